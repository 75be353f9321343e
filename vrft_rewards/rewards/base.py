"""What the three rewards share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..coordinates import ImageSize
from ..scores import Score, ScoreBatch
from ..truth import check_lengths

__all__ = ["Reward"]


class Reward:
    """A reward with fixed part names. Pure, deterministic, picklable, safe to share between threads."""

    keys: tuple[str, ...]
    """Names of the parts, the same for every score."""
    weights: tuple[float, ...]
    """The weight of each part."""
    bounds: tuple[float, float]
    """Lowest and highest value."""

    def score(self, completion: object, truth: Any, image_size: ImageSize | None = None) -> Score:
        """Score one completion against its truth."""
        raise NotImplementedError

    def score_batch(
        self,
        completions: Sequence[object],
        truths: Sequence[Any],
        image_sizes: Sequence[ImageSize | None] | None = None,
    ) -> ScoreBatch:
        """Score b completions: the same numbers as `score`, as arrays.

        Raises ValueError for lengths that differ and, naming its index, for a bad truth.
        """
        check_lengths(completions, truths, image_sizes)
        scores: list[Score] = []
        for index, (completion, truth) in enumerate(zip(completions, truths, strict=True)):
            try:
                size = None if image_sizes is None else image_sizes[index]
                scores.append(self.score(completion, truth, size))
            except ValueError as error:
                raise ValueError(_indexed(str(error), index)) from None
        values = np.array([score.value for score in scores], dtype=np.float64)
        parts = {key: np.array([score.parts[key] for score in scores], dtype=np.float64) for key in self.keys}
        return ScoreBatch(values, parts, tuple(score.reason for score in scores))

    def _score(self, parts: tuple[float, ...], reason: str) -> Score:
        value = 0.0
        for weight, part in zip(self.weights, parts, strict=True):
            value += weight * part
        return Score(value, dict(zip(self.keys, parts, strict=True)), reason)


def _indexed(message: str, index: int) -> str:
    """Return the message of one completion's error with the batch's field and index."""
    for field in ("truth", "image_size"):
        if message.startswith(field):
            return f"{field}s[{index}]{message[len(field) :]}"
    return f"[{index}]: {message}"
