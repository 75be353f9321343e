"""verifiers with a Rubric (up to 0.3): real rollout states, scored one by one and as a group."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

from common import COMPLETIONS, PARTS, TRUTH_TEXT, check_same, refused

from vrft_rewards.adapters.verifiers import rubric


def states() -> list[Any]:
    """Return rollouts as an environment leaves them."""
    from verifiers.types import State  # type: ignore[import-not-found]

    return [
        State(
            prompt=[{"role": "user", "content": "Find it."}],
            completion=[{"role": "assistant", "content": text}],
            answer=TRUTH_TEXT,
            info={},
            task="default",
            trajectory=[],
        )
        for text in COMPLETIONS
    ]


async def main() -> None:
    """Run the check."""
    import verifiers as vf  # type: ignore[import-not-found]

    print(f"verifiers {version('verifiers')}")
    scorer = rubric(dataset=[{"answer": TRUTH_TEXT}], task="detection")
    assert isinstance(scorer, vf.Rubric)
    one_by_one = states()
    for state in one_by_one:
        await scorer.score_rollout(state)
        assert tuple(state["metrics"]) == ("vrft_reward", *PARTS)
    check_same([state["reward"] for state in one_by_one], "Rubric.score_rollout")
    group = states()
    await scorer.score_group(group)
    check_same([state["reward"] for state in group], "Rubric.score_group")
    with refused(ValueError, "row 1: truth"):
        rubric(dataset=[{"answer": TRUTH_TEXT}, {"answer": "a bus"}], task="detection")


if __name__ == "__main__":
    asyncio.run(main())
