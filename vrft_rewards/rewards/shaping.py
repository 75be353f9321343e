"""Rewards for how a completion is written: its length, its repetition, and running over the limit."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

from ..completions import completion_text
from ..coordinates import ImageSize
from ..scores import Score
from .base import Measured, PartsReward

__all__ = ["LengthReward", "OverlongReward", "RepetitionReward"]

Unit = Literal["words", "characters"]
Counter = Callable[[str], int]

_WORD = re.compile(r"\S{1,64}")
_MAX_WORDS = 20_000
_MAX_NGRAM = 100
"""Words that are looked at for repetition."""


def _counted(unit: Unit | Counter, text: str) -> int:
    if unit == "characters":
        return len(text)
    return len(text.split()) if isinstance(unit, str) else unit(text)


def _checked_unit(unit: Unit | Counter) -> Unit | Counter:
    if unit not in ("words", "characters") and not callable(unit):
        raise ValueError(f"unit: expected 'words', 'characters' or a function of a text, got {unit!r}")
    return unit


class _Shape(PartsReward):
    """A reward that needs no truth."""

    def score(self, completion: object, truth: Any = None, image_size: ImageSize | None = None) -> Score:
        """Score one completion; truth and image size aren't used."""
        return super().score(completion, truth, image_size)


def _whole(field: str, value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{field}: expected a whole number of at least {least}, got {value!r}")
    return value


class LengthReward(_Shape):
    """Reward a length within [low, high]: part ``length``, 1 inside and falling to 0 at 0 and at twice ``high``.

    ``unit`` is ``words``, ``characters``, or a function that counts, for instance a tokenizer's. The truth isn't used.
    Raises ValueError for bounds that aren't 0 <= low <= high, high at least 1.

    >>> reward = LengthReward(2, 4)
    >>> [reward.score(text).value for text in ("", "one", "one two", "one two three four five six", "a " * 8)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, low: int, high: int, unit: Unit | Counter = "words") -> None:
        self.low, self.high, self.unit = _whole("low", low, 0), _whole("high", high, 1), _checked_unit(unit)
        if low > high:
            raise ValueError(f"low, high: expected low <= high, got {low} and {high}")
        self.declare(("length", 1.0, 0.0, 1.0))

    def measure(self, completion: object, truth: Any = None, image_size: ImageSize | None = None) -> Measured:  # noqa: ARG002
        """Measure a completion's length."""
        length = _counted(self.unit, completion_text(completion))
        part = 1.0
        if length < self.low:
            part = length / self.low
        elif length > self.high:
            part = max(0.0, 2.0 - length / self.high)
        return (part,), f"length {length}, wanted {self.low} to {self.high}"


class RepetitionReward(_Shape):
    """Punish repetition: part ``repetition``, minus the share of n-grams of words that were said before, in [-1, 0].

    The penalty of Yeo et al. 2025 (arXiv 2502.03373) as a share: 0 where no n-gram comes twice. Case is ignored; the
    first 20,000 words count. The truth isn't used. Raises ValueError for an ``ngram`` below 1 or above 100.

    >>> RepetitionReward(ngram=2).score("a bus a bus a bus").value
    -0.6
    """

    def __init__(self, ngram: int = 4) -> None:
        self.ngram = _whole("ngram", ngram, 1)
        if ngram > _MAX_NGRAM:
            raise ValueError(f"ngram: expected at most {_MAX_NGRAM}, got {ngram}")
        self.declare(("repetition", 1.0, -1.0, 0.0))

    def measure(self, completion: object, truth: Any = None, image_size: ImageSize | None = None) -> Measured:  # noqa: ARG002
        """Measure how much of a completion was said before."""
        words: list[str] = []
        for match in _WORD.finditer(completion_text(completion).lower()):
            words.append(match.group())
            if len(words) == _MAX_WORDS:
                break
        total = max(len(words) - self.ngram + 1, 0)
        distinct = len(set(zip(*(words[start:] for start in range(self.ngram)), strict=False)))
        share = (total - distinct) / total if total else 0.0
        return (0.0 - share,), f"{share:.0%} of the {self.ngram}-grams are repetitions"


class OverlongReward(_Shape):
    """Punish running over the limit: part ``overlong`` in [-1, 0].

    The soft punishment of DAPO (arXiv 2503.14476, equation 13): 0 up to ``limit - buffer``, falling to -1 at
    ``limit``, -1 beyond it. The lengths are in ``unit``, as in `LengthReward`: give a tokenizer's count to mean
    tokens. The truth isn't used.
    Raises ValueError unless 0 < buffer <= limit.

    >>> reward = OverlongReward(limit=8, buffer=4)
    >>> [reward.score("word " * length).value for length in (4, 5, 8, 100)]
    [0.0, -0.25, -1.0, -1.0]
    """

    def __init__(self, limit: int, buffer: int, unit: Unit | Counter = "words") -> None:
        self.limit, self.buffer, self.unit = _whole("limit", limit, 1), _whole("buffer", buffer, 1), _checked_unit(unit)
        if buffer > limit:
            raise ValueError(f"buffer: expected at most the limit of {limit}, got {buffer}")
        self.declare(("overlong", 1.0, -1.0, 0.0))

    def measure(self, completion: object, truth: Any = None, image_size: ImageSize | None = None) -> Measured:  # noqa: ARG002
        """Measure how far a completion runs into the buffer, or over the limit."""
        length = _counted(self.unit, completion_text(completion))
        over = length - (self.limit - self.buffer)
        part = 0.0 if over <= 0 else max(-1.0, -over / self.buffer)
        return (part,), f"length {length}, the limit is {self.limit}"
