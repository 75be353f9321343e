"""verifiers: a Rubric (releases up to 0.3), and reward and metric functions for its v1 tasks (0.3 and later)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from vrft_rewards.adapters.options import TaskRewards, rewards_for

__all__ = ["rubric", "v1_metric", "v1_reward"]


def rubric(dataset: Iterable[Mapping[str, Any]] | None = None, **options: Any) -> Any:
    """Return a `vf.Rubric`: the reward with weight 1, every part as a metric of weight 0.

    ``options`` are those of `make_reward`. A row's truth is ``info["truth"]``, else ``answer`` (see `read_truth`). A
    Rubric turns exceptions into a reward of 0.0, so give the ``dataset`` to have every truth checked before the
    training. Raises ValueError for a bad option and, naming the row, a bad truth of the dataset; ImportError where
    verifiers has no Rubric.
    """
    try:
        from verifiers import Rubric  # type: ignore[import-not-found]
    except ImportError as error:
        raise ImportError("this verifiers has no Rubric; its v1 tasks take v1_reward") from error
    rewards = rewards_for(options)
    for row, item in enumerate(dataset or ()):
        truth, size = _truth_of(item.get("answer"), item.get("info"))
        rewards.judge("", truth, image_size=size, row=row)
    functions = [_rubric_function("vrft_reward", rewards, None)]
    functions += [_rubric_function(name, rewards, name) for name in rewards.names]
    return Rubric(funcs=functions, weights=[1.0] + [0.0] * len(rewards.names))


def _rubric_function(name: str, rewards: TaskRewards, part: str | None) -> Callable[..., float]:
    # A Rubric passes arguments by their names.
    def function(completion: object, answer: object, info: object) -> float:
        truth, size = _truth_of(answer, info)
        score = rewards.judge(completion, truth, image_size=size).score
        return score.value if part is None else score.parts[part]

    function.__name__ = name
    return function


def _truth_of(answer: object, info: object) -> tuple[object, object]:
    if isinstance(info, str):
        try:
            info = json.loads(info)
        except ValueError:
            raise ValueError(f"info: expected JSON, got {str(info)[:80]!r}") from None
    if isinstance(info, Mapping):
        return info.get("truth", answer), info.get("image_size")
    return answer, None


def v1_reward(truth: str = "truth", **options: Any) -> Callable[[Any, Any], Awaitable[float]]:
    """Return an async reward ``(task, trace) -> float`` for a v1 task, as a method or named in the configuration.

    ``truth`` is the field of the task's data that holds the truth (see `read_truth`), ``image_size`` is read from the
    field of that name if there is one, ``options`` are those of `make_reward`. Raises ValueError for a bad option
    here, and for a bad truth when it is called, which verifiers records as an error of the trace.
    """
    rewards = rewards_for(options)

    async def vrft(task: Any, trace: Any) -> float:
        return _score(rewards, truth, task, trace)[0]

    return vrft


def v1_metric(truth: str = "truth", **options: Any) -> Callable[[Any, Any], Awaitable[dict[str, float]]]:
    """Return an async metric ``(task, trace) -> dict`` with the parts of the reward, the same keys for every trace.

    Arguments and errors as `v1_reward`.
    """
    rewards = rewards_for(options)

    async def vrft_parts(task: Any, trace: Any) -> dict[str, float]:
        return _score(rewards, truth, task, trace)[1]

    return vrft_parts


def _score(rewards: TaskRewards, field: str, task: Any, trace: Any) -> tuple[float, dict[str, float]]:
    data = getattr(task, "data", task)  # a method gets the task, a function that the configuration names its data
    if not hasattr(data, field):
        raise ValueError(f"{field}: the task's data has no such field for the truth")
    score = rewards.judge(_reply(trace), getattr(data, field), image_size=getattr(data, "image_size", None)).score
    return score.value, rewards.numbers(score)


def _reply(trace: Any) -> str:
    """Return the last reply with its thinking, which a server's reasoning parser may have taken out of the text."""
    text = str(trace.last_reply)
    messages = trace.assistant_messages
    reasoning = getattr(messages[-1], "reasoning_content", None) if messages else None
    if reasoning and "<think" not in text:
        return f"<think>{reasoning}</think>{text}"
    return text
