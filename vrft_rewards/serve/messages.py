"""What the server reads and answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..adapters.openrlhf import score_queries
from ..adapters.options import TaskRewards
from ..scores import Score

__all__ = ["ANSWERS", "BadRequest", "GetRewardAnswer", "GetRewardRequest", "ScoreAnswer", "ScoreRequest"]


class BadRequest(Exception):
    """A request that can't be answered: the HTTP status and one sentence."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScoreItem(_Message):
    """One completion and what it is scored against."""

    # Any: a completion is hostile, and one that no validator likes must not spoil the others' scores.
    completion: Any = Field(description="text, messages or content parts")
    truth: Any = Field(description="boxes, one box or a label, as the task wants it")
    task: str | None = Field(None, description="needed when the server has several tasks")
    image_size: list[int] | None = Field(None, description="width and height in pixels, where spaces are converted")


class ScoreRequest(_Message):
    """A batch."""

    items: list[ScoreItem]


class Scored(_Message):
    """One completion's score."""

    reward: float
    parts: dict[str, float]
    reason: str


class ScoreAnswer(_Message):
    """The scores, in the order of the items."""

    scores: list[Scored]


class GetRewardRequest(BaseModel):
    """What OpenRLHF sends."""

    query: list[Any] = Field(description="prompt and response, decoded with special tokens")
    prompts: list[Any]
    labels: list[Any] = Field(description="the truths; a text may be JSON")


class GetRewardAnswer(_Message):
    """What OpenRLHF reads."""

    rewards: list[float]
    scores: list[float] = Field(description="the rewards on a scale from 0 to 1")
    extra_logs: dict[str, list[float]] = Field(description="the parts")


class Problem(_Message):
    """Why a request wasn't answered."""

    detail: str


def answer_score(rewards: TaskRewards, body: bytes, max_batch: int) -> tuple[bytes, list[float]]:
    """Return the answer to a `ScoreRequest` as JSON, and the rewards on a scale from 0 to 1."""
    request = _read(ScoreRequest, body)
    _check_batch("items", len(request.items), max_batch)
    scored: list[dict[str, Any]] = []
    units: list[float] = []
    for row, item in enumerate(request.items):
        score, unit = _judged(partial(_judge, rewards, item, row))
        scored.append({"reward": score.value, "parts": dict(score.parts), "reason": score.reason})
        units.append(unit)
    return _write({"scores": scored}), units


def answer_get_reward(rewards: TaskRewards, body: bytes, max_batch: int) -> tuple[bytes, list[float]]:
    """Return the answer to OpenRLHF's request as JSON, and the rewards on a scale from 0 to 1."""
    request = _read(GetRewardRequest, body)
    _check_batch("query", len(request.query), max_batch)
    answer = _judged(partial(score_queries, rewards, request.query, request.prompts, request.labels))
    return _write(answer), answer["scores"]


ANSWERS: dict[str, Callable[[TaskRewards, bytes, int], tuple[bytes, list[float]]]] = {
    "/score": answer_score,
    "/get_reward": answer_get_reward,
}

_Read = TypeVar("_Read", bound=BaseModel)
_Answer = TypeVar("_Answer")


def _judge(rewards: TaskRewards, item: ScoreItem, row: int) -> tuple[Score, float]:
    return rewards.judge(item.completion, item.truth, item.task, item.image_size, row)


def _judged(judge: Callable[[], _Answer]) -> _Answer:
    try:
        return judge()
    except ValueError as error:
        raise BadRequest(422, str(error)) from None


def _check_batch(field: str, size: int, most: int) -> None:
    if size > most:
        raise BadRequest(413, f"{field}: at most {most} a request, got {size}")


def _read(kind: type[_Read], body: bytes) -> _Read:
    # Python's reader and not Pydantic's: it lets a lone surrogate pass, which a completion may hold.
    try:
        decoded = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadRequest(400, f"not JSON: {why}") from None
    try:
        return kind.model_validate(decoded)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise BadRequest(422, f"{where.lstrip('.') or 'body'}: {first['msg']}") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} isn't a JSON number")


def _write(answer: object) -> bytes:
    # ASCII, since a reason may quote a lone surrogate, which UTF-8 has no bytes for.
    return json.dumps(answer, allow_nan=False).encode("ascii")
