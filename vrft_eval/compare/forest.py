"""Differences with their intervals as a picture: where each lies on one axis around 0."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from vrft_eval.compare.models import Pair


@dataclass(frozen=True)
class Mark:
    """One difference: percentages of the axis' width, where 50 is no difference at all."""

    name: str
    value: float
    low: float
    high: float
    point: float
    start: float
    end: float

    @property
    def sure(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Forest:
    """The marks of a pair, on an axis from -reach to reach."""

    reach: float
    marks: list[Mark]


def forest(pair: Pair, reward_range: float) -> Forest:
    """The metrics with an interval; a reward is drawn as a share of its range, so that it fits beside the others."""
    rows = [
        (name, row.difference.value, row.difference.interval, reward_range if name == "reward" else 1.0)
        for name, row in pair.metrics.items()
        if row.difference is not None and row.difference.interval is not None
    ]
    ends = (abs(end) / unit for _, value, range_, unit in rows for end in (range_.low, range_.high, value))
    reach = _round_up(ends)

    def place(value: float, unit: float) -> float:
        return round(50 + 50 * value / unit / reach, 2)

    return Forest(
        reach,
        [
            Mark(
                name,
                value,
                range_.low,
                range_.high,
                place(value, unit),
                place(range_.low, unit),
                place(range_.high, unit),
            )
            for name, value, range_, unit in rows
        ],
    )


def _round_up(values: Iterable[float]) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that holds all values, 0.01 at least.

    >>> _round_up([0.013, 0.17]), _round_up([])
    (0.2, 0.01)
    """
    largest = max((value for value in values), default=0.0)
    if largest <= 0.01:
        return 0.01
    power: float = 10.0 ** math.floor(math.log10(largest))
    return next(round(step * power, 6) for step in (1, 2, 5, 10) if step * power >= largest * (1 - 1e-9))
