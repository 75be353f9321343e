"""Which detection is right at which IoU, by COCO's and LVIS's rules: one record a detection, for all of NumPy's ways.

The engines keep their matches to themselves (or hand them out as dictionaries, forty times slower than they compute
them), so they are found here once more; tests hold the average precision from these records to the engines' to 1e-9.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from vrft_eval.metrics.engines import MOST
from vrft_eval.metrics.table import Bools, DetectionTable, Floats, Ints

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""As the references compute them."""
_ALMOST_ONE = 1 - 1e-10


@dataclass(frozen=True, eq=False)
class Matches:
    """Detections that count, by category, then falling confidence, then image, then place in the answers.

    row is a detection's place in the table; right and ignored are (n, 10), one column an IoU threshold: a
    detection that is neither is wrong. rank is its place among its image's and category's, from 0. truth_image and
    truth_category are those of the true boxes that count (no crowds), in the table's order.
    """

    row: Ints
    image: Ints
    category: Ints
    scores: Floats
    rank: Ints
    right: Bools
    ignored: Bools
    truth_image: Ints
    truth_category: Ints


def find_matches(table: DetectionTable, selected: Collection[int] | None = None) -> Matches:
    """Match greedily by confidence: each detection takes the free true box that it overlaps most, of equals the last.

    What only overlaps a crowd is ignored, and so is, in LVIS, what is unmatched in a category that isn't exhaustively
    annotated in its image. Only the selected categories (ids; None: all) are matched.
    """
    if selected is None:
        wanted = np.ones(len(table.category_ids), dtype=np.bool_)
    else:
        wanted = np.array([key in selected for key in table.category_ids], dtype=np.bool_)
    rows, rank = _kept(table, wanted)
    found = table.found
    image, category = found.image[rows], found.category[rows]
    right, ignored = _match(table, rows, rank, wanted)
    if table.rule == "lvis":
        ignored |= ~right & np.isin(table.pair(image, category), table.not_exhaustive)[:, None]
    order = np.lexsort((rows, image, -found.scores[rows], category))
    counts = wanted[table.truth.category] & ~table.truth.crowd
    return Matches(
        row=rows[order],
        image=image[order],
        category=category[order],
        scores=found.scores[rows][order],
        rank=rank[order],
        right=right[order],
        ignored=ignored[order],
        truth_image=table.truth.image[counts],
        truth_category=table.truth.category[counts],
    )


def _kept(table: DetectionTable, wanted: Bools) -> tuple[Ints, Ints]:
    """Rows of the detections that count, pair by pair and by falling confidence, and their ranks in their pair."""
    found, most = table.found, MOST[table.rule][-1]
    rows = np.arange(len(found))
    if table.rule == "lvis":
        # The limit comes first and is over all categories; then what nobody has looked for in the image is dropped.
        rows = np.lexsort((rows, -found.scores, found.image))
        rows = rows[_rank(found.image[rows]) < most]
        pairs = table.pair(found.image[rows], found.category[rows])
        present = np.unique(table.pair(table.truth.image, table.truth.category))
        rows = rows[np.isin(pairs, present) | np.isin(pairs, table.negatives)]
    rows = rows[wanted[found.category[rows]]]
    pairs = table.pair(found.image[rows], found.category[rows])
    order = np.lexsort((rows, -found.scores[rows], pairs))
    rows, rank = rows[order], _rank(pairs[order])
    return rows[rank < most], rank[rank < most]


def _rank(groups: Ints) -> Ints:
    """Place of each entry within its group, from 0; groups are sorted.

    >>> _rank(np.array([4, 4, 7, 7, 7])).tolist()
    [0, 1, 0, 1, 2]
    """
    places = np.arange(len(groups))
    starts = np.flatnonzero(np.diff(groups, prepend=groups[:1] - 1))
    ranks: Ints = places - np.repeat(starts, np.diff(starts, append=len(groups)))
    return ranks


def _match(table: DetectionTable, rows: Ints, rank: Ints, wanted: Bools) -> tuple[Bools, Bools]:
    """Right and ignored (crowds only) for each row, (n, 10)."""
    detection, truth, iou = _overlaps(table, rows, wanted)
    right = np.zeros((len(rows), len(IOU_THRESHOLDS)), dtype=np.bool_)
    ignored = np.zeros_like(right)
    free = np.ones((len(table.truth.image), len(IOU_THRESHOLDS)), dtype=np.bool_)
    enough = iou[:, None] >= np.minimum(IOU_THRESHOLDS, _ALMOST_ONE)
    crowd = table.truth.crowd[truth]
    np.logical_or.at(ignored, detection[crowd], enough[crowd])
    detection, truth, iou, enough = detection[~crowd], truth[~crowd], iou[~crowd], enough[~crowd]
    # All first-ranked detections at once, then all second-ranked ones, ...: those of one rank share no true box.
    order = np.argsort(rank[detection], kind="stable")
    for pairs in np.split(order, np.flatnonzero(np.diff(rank[detection][order])) + 1):
        if not len(pairs):
            continue
        value = np.where(enough[pairs] & free[truth[pairs]], iou[pairs, None], -1.0)
        starts = np.flatnonzero(np.diff(detection[pairs], prepend=-1))
        sizes = np.diff(starts, append=len(pairs))
        best = np.maximum.reduceat(value, starts, axis=0)
        place = np.where(value == np.repeat(best, sizes, axis=0), np.arange(len(pairs))[:, None], -1)
        chosen = np.maximum.reduceat(place, starts, axis=0)
        which, threshold = np.nonzero(best > 0)
        free[truth[pairs[chosen[which, threshold]]], threshold] = False
        right[detection[pairs[starts[which]]], threshold] = True
    return right, ignored & ~right


def _overlaps(table: DetectionTable, rows: Ints, wanted: Bools) -> tuple[Ints, Ints, Floats]:
    """Pairs with an IoU of .5 or more: place in rows, true box, IoU; sorted by the first, then the second.

    With a crowd the IoU is the share of the detection that lies in it.
    """
    true = np.flatnonzero(wanted[table.truth.category])
    keys = table.pair(table.truth.image[true], table.truth.category[true])
    true = true[np.argsort(keys, kind="stable")]
    keys = np.sort(keys)
    asked = table.pair(table.found.image[rows], table.found.category[rows])
    first = np.searchsorted(keys, asked, side="left")
    number = np.searchsorted(keys, asked, side="right") - first
    detection = np.repeat(np.arange(len(rows)), number)
    truth = true[np.repeat(first - np.cumsum(number) + number, number) + np.arange(number.sum())]
    a, b = table.found.boxes[rows[detection]].T, table.truth.boxes[truth].T
    width = np.minimum(a[0] + a[2], b[0] + b[2]) - np.maximum(a[0], b[0])
    height = np.minimum(a[1] + a[3], b[1] + b[3]) - np.maximum(a[1], b[1])
    shared = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    own = a[2] * a[3]
    union = np.where(table.truth.crowd[truth], own, own + b[2] * b[3] - shared)
    iou = np.divide(shared, union, out=np.zeros_like(union), where=union > 0)
    near = iou >= IOU_THRESHOLDS[0]
    return detection[near], truth[near], iou[near]
