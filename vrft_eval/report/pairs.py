"""Which predicted box belongs to which true one, as the page tells it."""

from __future__ import annotations

from dataclasses import dataclass

from vrft_eval.tasks.judged import Judged
from vrft_rewards import box_iou, match_boxes

_MATCHED = 0.5


@dataclass(frozen=True)
class Pairs:
    """Of n predicted and m true boxes: for each predicted one whether it is matched, to which true one, and their IoU.

    For one that isn't matched it is the true box that it overlaps most, -1 for none. iou is the sample's own: the mean
    over the true boxes, 0 for one that was missed; None where there is nothing to find.
    """

    of_each: list[tuple[bool, int, float]]
    missed: int
    iou: float | None


def pairs_of(item: Judged) -> Pairs:
    """Match a sample's boxes as its metrics do: greedily by confidence, from an IoU of .50."""
    if isinstance(item.sample.truth, str):
        return Pairs([], 0, None)
    true = item.sample.boxes
    found = match_boxes(item.boxes, item.scores, true, _MATCHED)
    of_each = [(False, -1, 0.0)] * len(item.boxes)
    if of_each and len(true):
        overlap = box_iou(item.boxes, true)
        for k, (own, nearest) in enumerate(zip(found.truth_of.tolist(), overlap.argmax(axis=1).tolist(), strict=True)):
            place = own if own >= 0 else nearest
            iou = float(overlap[k, place])
            of_each[k] = (own >= 0, place if iou > 0 else -1, iou)
    mean: float | None = None
    if len(true):
        # A grounding is measured by its overlap, however small; a detection by what it is matched to.
        grounded = item.sample.kind == "grounding" and bool(of_each)
        mean = of_each[0][2] if grounded else float(found.iou.sum()) / len(true)
    return Pairs(of_each, found.missed, mean)
