"""The parts that the boxes of an answer can earn: each a formula over a matching, in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..boxes import Corners, giou_of_pair
from ..matching import Labels, Pairs, confidence_order, pair_boxes
from ..profiles import DetectionProfile

__all__ = ["average_precision_part", "confidence_part", "count_part", "giou_part", "label_part", "shared"]

_COCO_THRESHOLDS = tuple(n / 100 for n in range(50, 100, 5))
_RECALLS = np.linspace(0.0, 1.0, 101)


def shared(total: float, n: int, m: int, p: DetectionProfile) -> float:
    """Divide a sum over the matched pairs of n boxes and m true ones by what the profile says.

    ``fbeta``: (1 + b^2) total / (n + b^2 m), van Rijsbergen's F with the sum in the place of the true
    positives; ``mean`` is that for b = 1.
    """
    if p.iou_denominator == "mean":
        part = 2.0 * total / (n + m)
    elif p.iou_denominator == "fbeta":
        square = p.beta * p.beta
        part = (1.0 + square) * total / (n + square * m)
    else:
        part = total / (n if p.iou_denominator == "predicted" else max(n, m))
    return part if part < 1.0 else 1.0


def confidence_part(scores: list[float], pairs: Pairs, n: int, m: int, p: DetectionProfile) -> float:
    """Return what the confidences of n boxes earn against m true ones.

    ``linear``: the mean of c for a hit and 1 - c for a miss (Visual-RFT, arXiv 2503.01785). ``brier``: the quadratic
    score of Brier (1950) mixed with the hit itself; see docs/rewards.md for why it is proper.
    """
    total = 0.0
    if p.confidence_rule == "linear":
        for score, (truth_index, _) in zip(scores, pairs):  # noqa: B905 (a pair a score)
            total += score if truth_index >= 0 else 1.0 - score
        return min(total / n, 1.0)
    # A mixture: `1 - weight` for being a hit, `weight` for knowing it (Brier). The weight and the
    # denominator depend on the numbers of boxes only, not on which of them hit, so stating
    # the true probability stays the best a model can do. More boxes than objects lower the
    # weight, so that filling up with boxes of confidence 0 pays less the more there are. Fewer
    # boxes than objects count as filled up with such boxes: otherwise doing so would pay.
    weight = p.calibration_weight
    if n > m and n > 1:
        weight *= max(m, 1) / n
    elif n < m:
        total = weight * (m - n)
    for score, (truth_index, _) in zip(scores, pairs):  # noqa: B905
        if truth_index >= 0:
            total += 1.0 - weight * (1.0 - score) * (1.0 - score)
        else:
            total += weight * (1.0 - score * score)
    part = total / (n if n > m else m)
    return part if part < 1.0 else 1.0


def count_part(n: int, m: int) -> float:
    """Return 1 - |n - m| / max(n, m), the likeness of the numbers of boxes."""
    return 1.0 - abs(n - m) / max(n, m, 1)


def giou_part(boxes: Sequence[Corners], true: Sequence[Corners], pairs: Pairs, p: DetectionProfile) -> float:
    """Return the GIoU of the matched pairs, none below 0, over the denominator of the IoU part."""
    total = 0.0
    for box, (truth_index, _) in zip(boxes, pairs, strict=True):
        if truth_index >= 0:
            total += max(giou_of_pair(box, true[truth_index]), 0.0)
    return shared(total, len(boxes), len(true), p)


def label_part(labels: Labels, pairs: Pairs) -> float:
    """Return the matched pairs of equal labels over max(n, m)."""
    right = sum(
        truth_index >= 0 and label is not None and label == labels[1][truth_index]
        for label, (truth_index, _) in zip(labels[0], pairs, strict=True)
    )
    return right / max(len(labels[0]), len(labels[1]), 1)


def average_precision_part(
    boxes: Sequence[Corners],
    scores: Sequence[float],
    true: Sequence[Corners],
    labels: Labels | None,
    p: DetectionProfile,
) -> float:
    """Return the average precision of one answer, as COCO's evaluation would for an image of its own.

    Boxes by descending confidence, 101 recall levels, the mean over IoU 0.50:0.05:0.95 (``ap_thresholds="coco"``) or at
    ``iou_threshold``; with labels the mean over the classes of the truth (COCO, cocodataset.org).
    """
    if not boxes or not true:
        return 0.0
    thresholds = _COCO_THRESHOLDS if p.ap_thresholds == "coco" else (p.iou_threshold,)
    order = confidence_order(scores)
    classes: Sequence[str | None] = [None]
    if labels is not None:
        classes = sorted({label for label in labels[1] if label is not None})
    total = 0.0
    for threshold in thresholds:
        pairs = pair_boxes(boxes, scores, true, threshold, "greedy", False, labels)
        for name in classes:
            kept = order if labels is None else [index for index in order if labels[0][index] == name]
            objects = len(true) if labels is None else sum(label == name for label in labels[1])
            total += _average_precision([pairs[index][0] >= 0 for index in kept], objects)
    return min(total / (len(classes) * len(thresholds)), 1.0)


def _average_precision(hits: list[bool], objects: int) -> float:
    if not hits:
        return 0.0
    found = np.cumsum(hits)
    precision = np.maximum.accumulate((found / np.arange(1, len(hits) + 1))[::-1])[::-1]
    at = np.searchsorted(found / objects, _RECALLS, side="left")
    return float(np.append(precision, 0.0)[at].mean())
