"""Which detection is right at which IoU, by COCO's and LVIS's rules: one record a detection, for all of NumPy's ways.

The engines keep their matches to themselves (or hand them out as dictionaries, forty times slower than they compute
them), so they are found here once more; tests hold the average precision from these records to the engines' to 1e-9.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from vrft_eval.metrics.engines import MOST
from vrft_eval.metrics.greedy import greedy_iou, overlapping, rank_within
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
    order = np.lexsort((-found.scores[rows], category))  # stable: equals stay by image, then by row
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
        rows = rows[rank_within(found.image[rows]) < most]
        pairs = table.pair(found.image[rows], found.category[rows])
        present = np.unique(table.pair(table.truth.image, table.truth.category))
        rows = rows[np.isin(pairs, present) | np.isin(pairs, table.negatives)]
    rows = rows[wanted[found.category[rows]]]
    pairs = table.pair(found.image[rows], found.category[rows])
    order = np.lexsort((-found.scores[rows], pairs))  # stable: equals stay by row
    rows, rank = rows[order], rank_within(pairs[order])
    return rows[rank < most], rank[rank < most]


def _match(table: DetectionTable, rows: Ints, rank: Ints, wanted: Bools) -> tuple[Bools, Bools]:
    """Right and ignored (crowds only) for each row, (n, 10)."""
    true = np.flatnonzero(wanted[table.truth.category])
    asked = table.pair(table.found.image[rows], table.found.category[rows])
    offered = table.pair(table.truth.image[true], table.truth.category[true])
    found, truths = table.found.boxes[rows].T.copy(), table.truth.boxes[true].T.copy()
    own, whole, crowds = found[2] * found[3], truths[2] * truths[3], table.truth.crowd[true]

    def iou_of(one: Ints, other: Ints, shared: Floats) -> Floats:
        """To the last bit as the references compute it; with a crowd, the detection's share in it."""
        union = np.where(crowds[other], own[one], own[one] + whole[other] - shared)
        iou: Floats = np.divide(shared, union, out=np.zeros_like(union), where=union > 0)
        return iou

    detection, place, iou = overlapping(asked, offered, _corners(found), _corners(truths), iou_of, IOU_THRESHOLDS[0])
    truth, enough = true[place], np.minimum(IOU_THRESHOLDS, _ALMOST_ONE)
    crowd = table.truth.crowd[truth]
    inside = np.zeros((len(rows), len(IOU_THRESHOLDS)), dtype=np.bool_)
    np.logical_or.at(inside, detection[crowd], iou[crowd, None] >= enough)
    plain = ~crowd
    right = greedy_iou(detection[plain], truth[plain], iou[plain], rank, len(table.truth.crowd), enough) > 0
    return right, inside & ~right


def _corners(boxes: Floats) -> Floats:
    """(4, n) xywh to x1, y1, x2, y2."""
    return np.concatenate([boxes[:2], boxes[:2] + boxes[2:]])
