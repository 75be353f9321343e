"""Does the reward track the metric? Spearman's rank correlation over images."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vrft_eval.metrics.bootstrap import Floats, Weights, draw, interval_around
from vrft_eval.schemas import Correlation

FEWEST = 10
"""With fewer images than this a rank correlation says nothing."""


@dataclass(frozen=True, eq=False)
class Quality:
    """How good each of n samples is by the metric of that name, (n,); NaN where the metric has no value."""

    name: str
    values: Floats


def correlate(
    images: Sequence[Hashable], rewards: ArrayLike, quality: Quality, resamples: int = 0, seed: int = 0
) -> Correlation:
    """Correlate an image's mean reward with its mean quality, both over its samples that have a quality.

    Ties get the mean of their ranks. No value with fewer than 10 images, or where all rewards or all
    qualities are equal; `reason` says which. The interval is a bootstrap over images, ranks taken anew in every draw.
    """
    counted = ~np.isnan(quality.values)
    names = [image for image, counts in zip(images, counted.tolist(), strict=True) if counts]
    position = {image: number for number, image in enumerate(dict.fromkeys(names))}
    n = len(position)
    if n < FEWEST:
        return Correlation(metric=quality.name, value=None, n=n, reason=f"fewer than {FEWEST} images")
    of = np.array([position[name] for name in names], dtype=np.int64)
    size = np.bincount(of, minlength=n)
    # Rounded, so that means that are equal but for the order of adding stay ties.
    first = np.round(np.bincount(of, np.asarray(rewards, dtype=np.float64)[counted], n) / size, 12)
    second = np.round(np.bincount(of, quality.values[counted], n) / size, 12)
    for name, values in (("rewards", first), (f"values of {quality.name}", second)):
        if (values == values[0]).all():
            return Correlation(metric=quality.name, value=None, n=n, reason=f"all {name} are equal")
    value = float(spearman(first, second, np.ones((1, n), dtype=np.int32))[0])
    chunks = [spearman(first, second, weights) for weights in draw(n, resamples, seed)]
    interval = interval_around(value, np.concatenate(chunks), (-1.0, 1.0)) if chunks else None
    return Correlation(metric=quality.name, value=value, n=n, interval=interval)


def spearman(first: Floats, second: Floats, weights: Weights) -> Floats:
    """Rank correlation of two (n,) arrays in each resample, (r,): Pearson's of the mid-ranks; NaN without spread.

    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 4.0, 9.0]), np.ones((1, 3), np.int32)).tolist()
    [1.0]
    """
    drawn = weights.astype(np.float64)
    one, other = _centred_ranks(first, drawn), _centred_ranks(second, drawn)
    shared = (drawn * one * other).sum(axis=1)
    spread = np.sqrt((drawn * one**2).sum(axis=1) * (drawn * other**2).sum(axis=1))
    found: Floats = np.divide(shared, spread, out=np.full(len(shared), np.nan), where=spread > 0)
    return np.clip(found, -1.0, 1.0)


def _centred_ranks(values: Floats, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mid-ranks in each resample less their mean, (r, n): an image that is drawn w times holds w ranks."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    held = np.add.reduceat(drawn[:, order], starts, axis=1)
    # Of a group that holds the ranks a+1 .. a+w the mid-rank is a + (w + 1) / 2; all ranks have the mean (n + 1) / 2.
    middle = np.cumsum(held, axis=1) - held / 2 - drawn.sum(axis=1, keepdims=True) / 2
    return np.asarray(middle[:, group])
