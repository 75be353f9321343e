"""What the rewards share: named parts with weights and bounds, one by one or in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..coordinates import ImageSize
from ..scores import Score, ScoreBatch
from ..truth import check_lengths

__all__ = ["Part", "PartsReward", "Reward"]

Part = tuple[str, float, float, float]
"""Name, weight, and the lowest and highest value before the weight."""
Measured = tuple[tuple[float, ...], str]
"""The parts in the order of the keys, and the reason."""


class Reward(ABC):
    """A reward with fixed part names. Pure, deterministic, picklable, safe to share between threads."""

    keys: tuple[str, ...]
    """Names of the parts, the same for every score."""
    weights: tuple[float, ...]
    """The weight of each part."""
    bounds: tuple[float, float]
    """Lowest and highest value."""

    @abstractmethod
    def score(self, completion: object, truth: Any, image_size: ImageSize | None = None) -> Score:
        """Score one completion against its truth."""

    def score_batch(
        self,
        completions: Sequence[object],
        truths: Sequence[Any],
        image_sizes: Sequence[ImageSize | None] | None = None,
    ) -> ScoreBatch:
        """Score b completions: the same numbers as `score` to the last bit, as arrays.

        Raises ValueError for lengths that differ and, naming its index, for a bad truth.
        """
        check_lengths(completions, truths, image_sizes)
        measured = self._measured
        numbers: list[float] = []
        reasons: list[str] = []
        index = 0
        try:
            for index, completion in enumerate(completions):
                size = None if image_sizes is None else image_sizes[index]
                parts, reason = measured(completion, truths[index], size)
                numbers += parts
                reasons.append(reason)
        except ValueError as error:
            raise ValueError(_indexed(str(error), index)) from None
        table = np.array(numbers, dtype=np.float64).reshape(len(reasons), len(self.keys))
        values = np.zeros(len(reasons))
        for weight, column in zip(self.weights, table.T, strict=True):  # the order in which `score` adds
            values += weight * column
        columns = {key: column.copy() for key, column in zip(self.keys, table.T, strict=True)}
        return ScoreBatch(values, columns, tuple(reasons))

    @property
    def _measured(self) -> Callable[[object, Any, ImageSize | None], Measured]:
        """What measures one completion of a batch."""

        def measured(completion: object, truth: Any, image_size: ImageSize | None) -> Measured:
            score = self.score(completion, truth, image_size)
            return tuple(score.parts[key] for key in self.keys), score.reason

        return measured


class PartsReward(Reward):
    """A reward that only has to measure its parts: the weighted sum and the batches follow."""

    part_bounds: tuple[tuple[float, float], ...]
    """Lowest and highest value of each part."""

    def declare(self, *parts: Part) -> None:
        """Name the parts; for a reward's `__init__`. Their order is that in which `measure` returns them."""
        self.keys = tuple(part[0] for part in parts)
        self.weights = tuple(part[1] for part in parts)
        self.part_bounds = tuple((part[2], part[3]) for part in parts)
        low = high = 0.0
        # In the order in which a score is summed, so that no rounding leaves the bounds.
        for _, weight, least, most in parts:
            low += weight * least
            high += weight * most
        self.bounds = (low, high)

    @abstractmethod
    def measure(self, completion: object, truth: Any, image_size: ImageSize | None = None) -> Measured:
        """Return the parts of one completion, before the weights and in the order of ``keys``, and the reason."""

    def score(self, completion: object, truth: Any, image_size: ImageSize | None = None) -> Score:
        """Score one completion against its truth."""
        return self.total(self.measure(completion, truth, image_size))

    def total(self, measured: Measured) -> Score:
        """Return the score of what was measured: the weighted sum of the parts."""
        parts, reason = measured
        value = 0.0
        named: dict[str, float] = {}
        for key, weight, part in zip(self.keys, self.weights, parts):  # noqa: B905 (`measure` gives one part a key)
            value += weight * part
            named[key] = part
        return Score(value, named, reason)

    @property
    def _measured(self) -> Callable[[object, Any, ImageSize | None], Measured]:
        return self.measure


def _indexed(message: str, index: int) -> str:
    """Return the message of one completion's error with the batch's field and index."""
    for field in ("truth", "image_size"):
        if message.startswith(field):
            return f"{field}s[{index}]{message[len(field) :]}"
    return f"[{index}]: {message}"
