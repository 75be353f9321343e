"""verifiers v1: a task with our reward and metric, as methods and named in the configuration, scored on real traces."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import Any

from common import COMPLETIONS, PARTS, TRUTH, check_same, refused

from vrft_rewards.adapters.verifiers import rubric, v1_metric, v1_reward

detection = v1_reward(task="detection")
detection_parts = v1_metric(task="detection")


async def main() -> None:
    """Run the check."""
    import verifiers.v1 as vf  # type: ignore[import-not-found]

    print(f"verifiers {version('verifiers')}")

    class Data(vf.TaskData):  # type: ignore[misc]
        truth: list[list[float]]

    class Methods(vf.Task[Data]):  # type: ignore[misc]
        vrft = vf.reward(v1_reward(task="detection"))
        parts = vf.metric(v1_metric(task="detection"))

    class Bare(vf.Task[Data]):  # type: ignore[misc]
        pass

    here = Path(__file__).resolve()
    plugged = vf.TaskConfig(
        rewards={"vrft": {"fn": f"{here}:detection"}}, metrics={"parts": {"fn": f"{here}:detection_parts"}}
    )
    data = Data(prompt="Find it.", truth=TRUTH)
    for task, what in ((Methods(data), "methods"), (Bare(data, plugged), "named in the configuration")):
        rewards = []
        for text in COMPLETIONS:
            trace = make_trace(vf, task, text)
            await task.score(trace)
            rewards.append(sum(reward.value for reward in trace.rewards.values()))
            assert set(trace.metrics) == set(PARTS), trace.metrics
        check_same(rewards, f"Task.score, {what}")

    bad = Methods(Data(prompt="Find it.", truth=[[5, 5, 1, 1]]))
    with refused(vf.TaskError, "truth[0]"):
        await bad.score(make_trace(vf, bad, COMPLETIONS[0]))
    try:
        rubric(task="detection")
    except ImportError as error:
        print(f"no Rubric any more: {error}")


def make_trace(vf: Any, task: Any, text: str) -> Any:
    """Return a finished trace: the prompt, then one sampled reply."""
    nodes = [
        vf.MessageNode(message=vf.UserMessage(content="Find it.")),
        vf.MessageNode(parent=0, message=vf.AssistantMessage(content=text), sampled=True),
    ]
    return vf.Trace(
        task=vf.TraceTask(type=type(task).__name__, data=task.data),
        agent=vf.AgentInfo(config=vf.AgentConfig()),
        nodes=nodes,
    )


if __name__ == "__main__":
    asyncio.run(main())
