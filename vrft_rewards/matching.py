"""Which predicted box belongs to which true one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from .boxes import Corners, as_boxes, iou_of_pair, iou_rows, pairwise_iou

__all__ = ["Matching", "Method", "match_boxes"]

Method = Literal["greedy", "optimal"]
Rows = Sequence[Sequence[float]]
Labels = tuple[Sequence[str | None], Sequence[str | None]]
"""The labels of the predictions, and of the true boxes."""
Pairs = list[tuple[int, float]]
"""For each prediction the index of its truth (-1: none) and their IoU (0.0: none)."""


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """A one-to-one assignment of n predictions to m true boxes.

    ``truth_of`` is (n,) int64, the index of each prediction's true box or -1; ``iou`` is (n,) float64,
    0 where there is none; ``prediction_of`` is (m,) int64, the inverse of ``truth_of``.
    """

    truth_of: npt.NDArray[np.int64]
    iou: npt.NDArray[np.float64]
    prediction_of: npt.NDArray[np.int64]

    @property
    def hits(self) -> int:
        """Number of matched pairs."""
        return int((self.truth_of >= 0).sum())

    @property
    def wrong(self) -> int:
        """Number of predictions without a true box."""
        return len(self.truth_of) - self.hits

    @property
    def missed(self) -> int:
        """Number of true boxes without a prediction."""
        return len(self.prediction_of) - self.hits


def confidence_order(scores: Sequence[float]) -> list[int]:
    """Return indices by descending confidence; equal confidences keep their order."""
    return (
        sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
        if len(scores) > 1
        else list(range(len(scores)))
    )


def greedy_pairs(rows: Rows, order: Sequence[int], truths: int, threshold: float, strict: bool) -> Pairs:
    """In order, give each prediction the free true box of highest IoU that passes the threshold.

    Of true boxes with equal IoU the first is taken.
    """
    pairs: Pairs = [(-1, 0.0)] * len(rows)
    free = list(range(truths))
    for index in order:
        if not free:
            break
        row = rows[index]
        best = max(free, key=row.__getitem__)
        iou = row[best]
        if iou > threshold or (iou == threshold and not strict and iou > 0):
            pairs[index] = (best, iou)
            free.remove(best)
    return pairs


# Up to this many pairs plain loops are faster than NumPy with its overhead.
_FEW_PAIRS = 1024


def _greedy_few(
    predictions: Sequence[Corners], order: Sequence[int], truths: Sequence[Corners], threshold: float, strict: bool
) -> Pairs:
    """Do what `greedy_pairs` does, computing an IoU only where two boxes overlap and the true one is free."""
    pairs: Pairs = [(-1, 0.0)] * len(predictions)
    free = [(x1, y1, x2, y2, (x2 - x1) * (y2 - y1), index) for index, (x1, y1, x2, y2) in enumerate(truths)]
    for index in order:
        left, top, right, bottom = predictions[index]
        area = (right - left) * (bottom - top)
        best, chosen = 0.0, None
        for candidate in free:
            x1, y1, x2, y2, size, _ = candidate
            if x1 >= right or x2 <= left or y1 >= bottom or y2 <= top:
                continue
            shared = ((x2 if x2 < right else right) - (x1 if x1 > left else left)) * (
                (y2 if y2 < bottom else bottom) - (y1 if y1 > top else top)
            )
            union = area + size - shared
            if union > 0 and shared / union > best and best < 1.0:
                best, chosen = shared / union, candidate
                best = best if best < 1.0 else 1.0
        if chosen is not None and (best > threshold or (best == threshold and not strict)):
            pairs[index] = (chosen[5], best)
            free.remove(chosen)
            if not free:
                break
    return pairs


def _greedy_many(
    predictions: Sequence[Corners],
    order: Sequence[int],
    truths: Sequence[Corners],
    threshold: float,
    strict: bool,
    labels: Labels | None = None,
) -> Pairs:
    """Do what `greedy_pairs` does, looking only at the pairs that pass the threshold."""
    iou = pairwise_iou(np.array(predictions), np.array(truths))
    if labels is not None:
        codes: dict[str | None, int] = {label: code for code, label in enumerate(labels[1]) if label is not None}
        mine = np.array([codes.get(label, -1) for label in labels[0]])
        iou[mine[:, None] != np.array([codes.get(label, -2) for label in labels[1]])] = 0.0
    rows, columns = np.nonzero((iou > threshold if strict else iou >= threshold) & (iou > 0))
    passing: list[list[tuple[int, float]]] = [[] for _ in predictions]
    for row, column, value in zip(rows.tolist(), columns.tolist(), iou[rows, columns].tolist(), strict=True):
        passing[row].append((column, value))
    pairs: Pairs = [(-1, 0.0)] * len(predictions)
    taken: set[int] = set()
    for index in order:
        best = 0.0
        for column, value in passing[index]:
            if value > best and column not in taken:
                best, pairs[index] = value, (column, value)
        if best:
            taken.add(pairs[index][0])
    return pairs


def optimal_pairs(rows: Rows, threshold: float, strict: bool) -> Pairs:
    """Maximise the sum of IoU over one-to-one pairs that pass the threshold (Hungarian method)."""
    from scipy.optimize import linear_sum_assignment

    iou = np.array(rows, dtype=np.float64)
    passing = (iou > threshold if strict else iou >= threshold) & (iou > 0)
    gain = np.where(passing, iou, 0.0)
    chosen, truths = linear_sum_assignment(gain, maximize=True)
    pairs: Pairs = [(-1, 0.0)] * len(rows)
    for index, truth in zip(chosen.tolist(), truths.tolist(), strict=True):
        if passing[index, truth]:
            pairs[index] = (truth, float(iou[index, truth]))
    return pairs


def _same_label(rows: Rows, labels: Sequence[str | None], truth_labels: Sequence[str | None]) -> Rows:
    """Return the rows with an IoU of 0, which never matches, where the labels differ."""
    return [
        [iou if label is not None and label == other else 0.0 for iou, other in zip(row, truth_labels, strict=True)]
        for row, label in zip(rows, labels, strict=True)
    ]


def pair_boxes(
    predictions: Sequence[Corners],
    scores: Sequence[float],
    truths: Sequence[Corners],
    threshold: float,
    method: Method,
    strict: bool,
    labels: Labels | None = None,
) -> Pairs:
    """Match plain tuples: the core of `match_boxes`, used by the rewards as it is."""
    if not predictions or not truths:
        return [(-1, 0.0)] * len(predictions)
    if len(predictions) == len(truths) == 1 and labels is None:
        iou = iou_of_pair(predictions[0], truths[0])
        return [(0, iou)] if iou > threshold or (iou == threshold and not strict and iou > 0) else [(-1, 0.0)]
    if method == "greedy":
        order = confidence_order(scores)
        if len(predictions) * len(truths) > _FEW_PAIRS:
            return _greedy_many(predictions, order, truths, threshold, strict, labels)
        if labels is None:
            return _greedy_few(predictions, order, truths, threshold, strict)
    rows: Rows = iou_rows(predictions, truths)
    if labels is not None:
        rows = _same_label(rows, *labels)
    if method == "optimal":
        return optimal_pairs(rows, threshold, strict)
    return greedy_pairs(rows, confidence_order(scores), len(truths), threshold, strict)


def match_boxes(
    predictions: npt.ArrayLike,
    scores: npt.ArrayLike,
    truth: npt.ArrayLike,
    threshold: float = 0.5,
    method: Method = "greedy",
    *,
    strict: bool = False,
    labels: Sequence[str | None] | None = None,
    truth_labels: Sequence[str | None] | None = None,
) -> Matching:
    """Match predicted boxes (n, 4) with confidences (n,) to true boxes (m, 4).

    ``greedy``: by descending confidence, each prediction takes the free true box it overlaps most, as
    average precision does; ties keep the order given. ``optimal``: the assignment with the largest sum of
    IoU. A pair needs IoU >= threshold (> with ``strict``) and some overlap. Given ``labels`` (n) and
    ``truth_labels`` (m) only boxes of equal labels match; None is the label of nothing. The result depends on the
    arguments alone: of true boxes with equal IoU greedy takes the first.

    Raises ValueError for shapes that don't fit, an unknown method or a threshold outside [0, 1].

    >>> match_boxes([[0, 0, 10, 10], [50, 50, 60, 60]], [0.5, 0.9], [[1, 0, 10, 10]]).truth_of
    array([ 0, -1])
    """
    predicted, true = as_boxes(predictions, "predictions"), as_boxes(truth, "truth")
    confidence = np.asarray(scores, dtype=np.float64).reshape(-1)
    if len(confidence) != len(predicted):
        raise ValueError(f"scores: expected {len(predicted)} values, one a prediction, got {len(confidence)}")
    if not np.isfinite(confidence).all():
        raise ValueError("scores: expected finite numbers")
    if method not in ("greedy", "optimal"):
        raise ValueError(f"method: expected 'greedy' or 'optimal', got {method!r}")
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold: expected a number in [0, 1], got {threshold!r}")
    if (labels is None) != (truth_labels is None):
        raise ValueError("labels, truth_labels: expected both or neither")
    for field, names, count in (("labels", labels, len(predicted)), ("truth_labels", truth_labels, len(true))):
        if names is not None and len(names) != count:
            raise ValueError(f"{field}: expected {count} labels, one a box, got {len(names)}")
    pairs = pair_boxes(
        [tuple(row) for row in predicted.tolist()],
        confidence.tolist(),
        [tuple(row) for row in true.tolist()],
        threshold,
        method,
        strict,
        None if labels is None or truth_labels is None else (labels, truth_labels),
    )
    truth_of = np.array([index for index, _ in pairs], dtype=np.int64)
    iou = np.array([value for _, value in pairs], dtype=np.float64)
    prediction_of = np.full(len(true), -1, dtype=np.int64)
    matched = truth_of >= 0
    prediction_of[truth_of[matched]] = np.flatnonzero(matched)
    return Matching(truth_of, iou, prediction_of)
