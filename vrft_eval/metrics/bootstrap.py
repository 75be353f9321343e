"""Bootstrap over images: how much a metric would move with another draw of the data (Efron & Tibshirani, 1993)."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vrft_eval.schemas import Difference, Interval

Floats = NDArray[np.float64]
Weights = NDArray[np.int32]
"""(r, n): how often each of n images is in each of r resamples."""

LEVEL = 0.95
_AT_A_TIME = 2**22


class Records(Protocol):
    """What a run keeps of its images, so that metrics can be had for any draw of them."""

    @property
    def images(self) -> tuple[Hashable, ...]:
        """The images' ids; weights are in their order."""
        ...

    def metrics(self, weights: Weights) -> dict[str, Floats]:
        """Each metric in each resample, (r,); NaN where it has no value there."""
        ...


@dataclass(frozen=True, eq=False)
class Terms:
    """A metric that is a ratio of sums over n samples: sum(top) / (sum(bottom) + plus). A mean has a bottom of ones."""

    top: Floats
    bottom: Floats
    plus: float = 0.0

    @classmethod
    def mean(cls, values: ArrayLike) -> Terms:
        """The mean of values; NaN is a sample that doesn't count.

        >>> Terms.mean([1.0, 0.0, float("nan")]).value
        0.5
        """
        array = np.asarray(values, dtype=np.float64)
        counts = ~np.isnan(array)
        return cls(np.where(counts, array, 0.0), counts.astype(np.float64))

    @property
    def value(self) -> float | None:
        """The metric over all samples; None when no sample counts."""
        below = float(self.bottom.sum()) + self.plus
        return float(self.top.sum()) / below if below else None


class TermRecords:
    """Metrics that are ratios of sums, kept as one pair of sums per image: a cluster is drawn as a whole."""

    def __init__(self, images: Sequence[Hashable], terms: Mapping[str, Terms]) -> None:
        """Take the image of each of n samples, and metrics over the n samples."""
        position = {image: number for number, image in enumerate(dict.fromkeys(images))}
        of = np.array([position[image] for image in images], dtype=np.int64)
        self._images = tuple(position)
        self._sums = {
            name: (np.bincount(of, item.top, len(position)), np.bincount(of, item.bottom, len(position)), item.plus)
            for name, item in terms.items()
        }

    @property
    def images(self) -> tuple[Hashable, ...]:
        """The images' ids."""
        return self._images

    def metrics(self, weights: Weights) -> dict[str, Floats]:
        """Each metric in each resample, (r,)."""
        drawn = weights.astype(np.float64)
        found = {}
        for name, (top, bottom, plus) in self._sums.items():
            above, below = drawn @ top, drawn @ bottom + plus
            found[name] = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
        return found


def draw(images: int, resamples: int, seed: int) -> Iterator[Weights]:
    """Yield `resamples` draws of n images with replacement, as weights, some rows at a time.

    The draws depend on n and the seed only: two runs over the same images get the same ones.
    """
    random = np.random.default_rng(seed)
    rows = max(1, min(resamples, _AT_A_TIME // max(images, 1)))
    for first in range(0, resamples, rows):
        weights = np.zeros((min(rows, resamples - first), images), dtype=np.int32)
        for row in weights:
            row += np.bincount(random.integers(0, images, images), minlength=images).astype(np.int32)
        yield weights


def resample(records: Records, resamples: int, seed: int) -> dict[str, Floats]:
    """Each metric in `resamples` draws of the images, (resamples,)."""
    chunks = [records.metrics(weights) for weights in draw(len(records.images), resamples, seed)]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in (chunks[0] if chunks else ())}


def bootstrap(records: Records, resamples: int, seed: int) -> dict[str, Interval]:
    """Intervals of every metric; none for 0 resamples, or where fewer than two images are there."""
    if len(records.images) < 2 or not resamples:
        return {}
    estimates = records.metrics(np.ones((1, len(records.images)), dtype=np.int32))
    found = {
        name: interval_around(float(estimates[name][0]), values)
        for name, values in resample(records, resamples, seed).items()
    }
    return {name: interval for name, interval in found.items() if interval is not None}


def interval_around(
    estimate: float, values: Floats, bounds: tuple[float, float] = (0.0, 1.0), level: float = LEVEL
) -> Interval | None:
    """The middle `level` of the resampled values, moved by their bias: mean of the values less the estimate.

    For means and ratios the bias is next to nothing and this is the percentile interval. Average precision is
    higher in resamples than in the data (repeated images make its envelope rougher), so that the bare percentiles may
    lie wholly above the estimate; see docs/metrics.md for how often either holds the truth. Resamples without a value
    are left out, and counted out. None without any, or without an estimate.

    >>> interval_around(49.0, np.arange(101.0), (0, 100), 0.5)
    Interval(low=24.0, high=74.0, level=0.5, resamples=101, bias=1.0)
    """
    valid = values[~np.isnan(values)]
    if not len(valid) or np.isnan(estimate):
        return None
    bias = float(valid.mean()) - estimate
    ends = np.quantile(valid, [(1 - level) / 2, (1 + level) / 2]) - bias
    low, high = np.clip(ends, *bounds).tolist()
    return Interval(low=low, high=high, level=level, resamples=len(valid), bias=bias)


def compare_records(
    first: Records, second: Records, resamples: int, seed: int, bounds: tuple[float, float] = (-1.0, 1.0)
) -> dict[str, Difference]:
    """Second minus first, for every metric that both runs have: the difference, its interval and a p-value.

    Paired: both runs are measured on the same draws of the images. p is two-sided and goes with the interval, which
    leaves 0 out where p is below 1 - level: twice (1 + k) / (1 + r), with k of r differences, moved by their bias, on
    the other side of 0. Runs that never differ have p = 1. Raises ValueError when the runs aren't over the same images.
    """
    if set(first.images) != set(second.images):
        odd = next(iter(set(first.images) ^ set(second.images)))
        raise ValueError(f"the runs must be over the same images; only one of them has {odd!r}")
    order = {image: number for number, image in enumerate(second.images)}
    place = np.array([order[image] for image in first.images], dtype=np.int64)
    whole = np.ones((1, len(place)), dtype=np.int32)
    points = first.metrics(whole), second.metrics(whole)
    names = [name for name in points[0] if name in points[1]]
    gaps: dict[str, list[Floats]] = {name: [] for name in names}
    for weights in draw(len(place), resamples, seed):
        turned = np.empty_like(weights)
        turned[:, place] = weights
        one, other = first.metrics(weights), second.metrics(turned)
        for name in names:
            gaps[name].append(other[name] - one[name])
    found = {}
    for name in names:
        gap = float((points[1][name] - points[0][name])[0])
        if not np.isnan(gap):
            values = np.concatenate(gaps[name]) if resamples else np.zeros(0)
            interval = interval_around(gap, values, bounds)
            found[name] = Difference(value=gap, interval=interval, p=_p_value(gap, values))
    return found


def _p_value(gap: float, values: Floats) -> float | None:
    valid = values[~np.isnan(values)]
    if not len(valid):
        return None
    moved = valid - valid.mean() + gap
    # Rounded, so that runs that are equal on every draw are seen to be.
    moved = np.round(moved, 12)
    tail = min(int((moved <= 0).sum()), int((moved >= 0).sum()))
    return min(1.0, 2 * (1 + tail) / (1 + len(moved)))
