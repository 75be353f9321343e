"""Average precision from match records: of any draw of the images, and of each image and category alone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vrft_eval.metrics.bootstrap import Weights
from vrft_eval.metrics.by_category import CategoryRecords, category_key
from vrft_eval.metrics.detection import FREQUENCIES, IOU_AT
from vrft_eval.metrics.matches import IOU_THRESHOLDS, Matches
from vrft_eval.metrics.table import Bools, DetectionTable, Floats, Ints

RECALLS = np.linspace(0.0, 1.0, 101)
"""As the references compute them."""
_CELLS = 2**21


class DetectionRecords:
    """Match records of a run, that give mAP, AP50 and AP75 (LVIS: APr, APc and APf too) of any draw of the images.

    The means are over the selected categories that have truth in the draw. Ties of confidence are broken once, as the
    engine breaks them, before images are drawn: an image that is drawn twice has each of its detections twice in a row.
    """

    def __init__(self, table: DetectionTable, matches: Matches) -> None:
        self._images = table.image_ids
        self._matches = matches
        self._frequencies = table.frequencies

    @cached_property
    def _parts(self) -> dict[int, _Part]:
        return _by_category(self._matches)

    @property
    def images(self) -> tuple[Hashable, ...]:
        """The images' ids."""
        return self._images

    def metrics(self, weights: Weights) -> dict[str, Floats]:
        """Each metric in each draw, (r,); NaN where no category has truth."""
        return self._means(self.average_precisions(weights), len(weights))

    def by_category(self, names: Sequence[str]) -> CategoryRecords:
        """The same with the mAP of each category that has truth; names are those of the table's categories."""
        images = {names[category]: len(part.truth_image) for category, part in self._parts.items()}
        return CategoryRecords(_WithCategories(self, names), images)

    def _means(self, precisions: Mapping[int, Floats], draws: int) -> dict[str, Floats]:
        by_name: dict[str, list[Floats]] = {"mAP": [], **{name: [] for name in IOU_AT}}
        for precision in precisions.values():
            by_name["mAP"].append(precision.mean(axis=0))
            for name, index in IOU_AT.items():
                by_name[name].append(precision[index])
        found = {name: _mean_of(values, draws) for name, values in by_name.items()}
        if any(self._frequencies):
            for name, group in FREQUENCIES.items():
                chosen = [
                    values
                    for values, category in zip(by_name["mAP"], self._parts, strict=True)
                    if self._frequencies[category] == group
                ]
                found[name] = _mean_of(chosen, draws)
        return found

    def average_precisions(self, weights: Weights) -> dict[int, Floats]:
        """AP of each category that has truth, by its index: (10, r), one row an IoU threshold; NaN in draws without."""
        images_first = np.ascontiguousarray(weights.T)
        return {category: _average_precision(part, images_first) for category, part in self._parts.items()}


class _WithCategories:
    """Records of the means and of every category, for the work of the former."""

    def __init__(self, whole: DetectionRecords, names: Sequence[str]) -> None:
        self._whole, self._names = whole, names

    @property
    def images(self) -> tuple[Hashable, ...]:
        return self._whole.images

    def metrics(self, weights: Weights) -> dict[str, Floats]:
        precisions = self._whole.average_precisions(weights)
        own = {category_key(self._names[key]): precision.mean(axis=0) for key, precision in precisions.items()}
        return {**self._whole._means(precisions, len(weights)), **own}


class _Part:
    """The records of one category."""

    def __init__(self, image: Ints, right: Bools, ignored: Bools, truth_image: Ints) -> None:
        self.image = image
        self.truth_image, self.truth_count = np.unique(truth_image, return_counts=True)
        self.right = [np.flatnonzero(column) for column in right.T]
        self.ignored = [np.flatnonzero(column) for column in ignored.T]


def _by_category(matches: Matches) -> dict[int, _Part]:
    order = np.argsort(matches.truth_category, kind="stable")
    truth_category, truth_image = matches.truth_category[order], matches.truth_image[order]
    parts = {}
    for category in np.unique(truth_category).tolist():
        mine = slice(*np.searchsorted(matches.category, [category, category + 1]))
        true = slice(*np.searchsorted(truth_category, [category, category + 1]))
        parts[category] = _Part(matches.image[mine], matches.right[mine], matches.ignored[mine], truth_image[true])
    return parts


def _average_precision(part: _Part, weights: NDArray[np.int32]) -> Floats:
    """AP at each IoU threshold in each draw, (10, r); weights are (images, r)."""
    draws = weights.shape[1]
    found = np.empty((len(IOU_THRESHOLDS), draws))
    step = max(1, _CELLS // max(len(part.image), 1))
    for first in range(0, draws, step):
        drawn = weights[:, first : first + step]
        truths = part.truth_count @ drawn[part.truth_image]
        mine = drawn[part.image]
        counted = np.cumsum(mine, axis=0, dtype=np.int32)
        for threshold, right in enumerate(part.right):
            found[threshold, first : first + step] = _at_threshold(
                mine, counted, right, part.ignored[threshold], truths
            )
    return found


def _at_threshold(
    mine: NDArray[np.int32], counted: NDArray[np.int32], right: Ints, ignored: Ints, truths: Ints
) -> Floats:
    """AP of one category at one threshold in each draw, (r,).

    Precision only peaks, and recall only rises, at right detections; so only these are looked at.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        hits = np.cumsum(mine[right], axis=0, dtype=np.int32)
        of = counted[right]
        if len(ignored):
            skipped = np.cumsum(np.concatenate([np.zeros_like(mine[:1]), mine[ignored]]), axis=0, dtype=np.int32)
            of = of - skipped[np.searchsorted(ignored, right)]
        precision = np.divide(hits, of, out=np.zeros(hits.shape), where=of > 0)
        np.maximum.accumulate(precision[::-1], axis=0, out=precision[::-1])
        passed = recalls_passed(hits / truths)
        area = (precision * np.diff(passed, axis=0, prepend=0)).sum(axis=0) / len(RECALLS)
    return np.where(truths > 0, area, np.nan)


def recalls_passed(recall: Floats) -> NDArray[np.int32]:
    """How many of the 101 recall levels are at most `recall`, compared as floats like the references do.

    >>> recalls_passed(np.array([0.0, 0.28, 0.29, 1.0])).tolist()
    [1, 29, 30, 101]
    """
    guess = np.nan_to_num(recall * 100).astype(np.int32)
    levels = np.append(RECALLS, np.inf)
    # The product may be a rounding off; the level itself decides.
    return guess + (levels[guess] <= recall) + (levels[guess + 1] <= recall)


def _mean_of(values: list[Floats], draws: int) -> Floats:
    total, count = np.zeros(draws), np.zeros(draws)
    for value in values:
        known = ~np.isnan(value)
        total += np.where(known, value, 0.0)
        count += known
    mean: Floats = np.divide(total, count, out=np.full(draws, np.nan), where=count > 0)
    return mean


def pair_average_precisions(table: DetectionTable, matches: Matches) -> Mapping[int, float]:
    """AP (mean over IoU .50:.95) of each image and category alone, as if they were the whole data.

    Keyed by the table's `pair` number; only pairs with truth (crowds alone are none) have one.
    """
    truth_pairs, truths = np.unique(table.pair(matches.truth_image, matches.truth_category), return_counts=True)
    pairs = table.pair(matches.image, matches.category)
    order = np.argsort(pairs * (matches.rank.max(initial=0) + 1) + matches.rank)
    pairs, rank, ignored = pairs[order], matches.rank[order], matches.ignored[order]
    place = np.searchsorted(truth_pairs, pairs)
    threshold, row = np.nonzero(matches.right[order].T)
    # Ignored detections before a row within its pair: those before it in all, less those before the pair.
    skipped, at = np.flatnonzero(ignored.T), threshold * len(rank) + row
    before = np.searchsorted(skipped, at) - np.searchsorted(skipped, at - rank[row])
    group = threshold * (len(table.image_ids) * len(table.category_ids)) + pairs[row]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    hits = np.arange(len(row)) - np.repeat(starts, np.diff(starts, append=len(row))) + 1
    precision = _falling(hits / (rank[row] + 1 - before), group)
    passed = recalls_passed(hits / truths[place[row]])
    gained = np.diff(passed, prepend=0)
    gained[starts] = passed[starts]
    areas = np.bincount(place[row], precision * gained / len(RECALLS), minlength=len(truth_pairs))
    return dict(zip(truth_pairs.tolist(), (areas / len(IOU_THRESHOLDS)).tolist(), strict=True))


def _falling(values: Floats, group: Ints) -> Floats:
    """The largest value from each place to the end of its group.

    >>> _falling(np.array([0.1, 0.5, 0.2, 0.9]), np.array([1, 1, 1, 2])).tolist()
    [0.5, 0.5, 0.2, 0.9]
    """
    values, step = values.copy(), 1
    longest = int(np.unique(group, return_counts=True)[1].max(initial=0))
    while step < longest:
        same = group[step:] == group[:-step]
        np.maximum(values[:-step], np.where(same, values[step:], 0.0), out=values[:-step])
        step *= 2
    return values
