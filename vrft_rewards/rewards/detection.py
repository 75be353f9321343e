"""The detection reward: IoU, confidence and format."""

from __future__ import annotations

import numpy.typing as npt

from ..answers.detections import Found, find_boxes
from ..answers.types import IssueKind, Status
from ..boxes import Corners
from ..completions import completion_text
from ..coordinates import ImageSize, space_size
from ..matching import Pairs, pair_boxes
from ..profiles import DetectionProfile, Profile, resolve
from ..response import parse_response
from ..scores import Score
from ..truth import optional_size, truth_boxes
from .base import Reward
from .format import format_reward

__all__ = ["DetectionReward"]


class DetectionReward(Reward):
    """Reward boxes: parts ``iou``, ``confidence`` and ``format``, each in [0, 1].

    ``profile`` is a name (see `PROFILES`), a Profile or a DetectionProfile; keywords replace its fields.
    Raises ValueError for an unknown profile or field, or a value that doesn't fit.

    >>> reward = DetectionReward()
    >>> score = reward.score("<think>One.</think><answer>[{'Position': [0, 0, 500, 500], 'Confidence': 1}]</answer>",
    ...                      [[0, 0, 500, 500]])
    >>> score.value, score.reason
    (3.0, '1 of 1 objects found, mean IoU 1.00; format right')
    """

    keys = ("iou", "confidence", "format")

    def __init__(self, profile: str | Profile | DetectionProfile = "default", **overrides: object) -> None:
        self.profile = resolve(profile, DetectionProfile, overrides)
        p = self.profile
        self.weights = (p.iou_weight, p.confidence_weight, p.format_weight)
        self.bounds = (0.0, _total(self.weights))

    def score(self, completion: object, truth: npt.ArrayLike, image_size: ImageSize | None = None) -> Score:
        """Score a completion against true boxes (m, 4); an empty list says that there is no object.

        The truth is in the answer's space unless ``truth_space`` says otherwise; ``image_size`` is (width,
        height) in pixels, needed for that conversion and to know the edges in the pixel spaces.
        Raises ValueError for a bad truth or image size, never for a bad completion.
        """
        p = self.profile
        size = optional_size(image_size)
        true = truth_boxes(truth, p.space, p.truth_space, size)
        text = completion_text(completion)
        response = parse_response(text, p.answer)
        limits = space_size(p.space, size)
        found = find_boxes(response.answer, limits, p.out_of_range, p.inverted, p.missing_confidence, p.max_boxes)
        if p.drop_duplicates:
            _drop_duplicates(found)
        readable = found.status in (Status.BOXES, Status.NO_OBJECTS)
        paid, format_reason = format_reward(text, response, p.format_rule, readable or not p.format_needs_answer)
        iou, confidence, reason = self._judge(found, true)
        return self._score((iou, confidence, paid), f"{reason}; {format_reason}")

    def _judge(self, found: Found, true: list[Corners]) -> tuple[float, float, str]:
        if found.status is Status.NO_OBJECTS:
            if not true:
                return 1.0, 1.0, "rightly says that there are no objects"
            return 0.0, 0.0, f"says that there are no objects, but there are {len(true)}"
        if not found.boxes:
            return 0.0, 0.0, _why_no_boxes(found)
        p = self.profile
        pairs = pair_boxes(found.boxes, found.scores, true, p.iou_threshold, p.matching, p.strict)
        n, m = len(found.boxes), len(true)
        total, hits = 0.0, 0
        for truth_index, iou in pairs:
            if truth_index >= 0:
                total += iou
                hits += 1
        if p.iou_denominator == "mean":
            iou_part = 2.0 * total / (n + m)
        else:
            iou_part = total / (n if p.iou_denominator == "predicted" else max(n, m))
        confidence_part = self._confidence(found.scores, pairs, n, m)
        return min(iou_part, 1.0), confidence_part, _describe(found, hits, total, n, m)

    def _confidence(self, scores: list[float], pairs: Pairs, n: int, m: int) -> float:
        if self.profile.confidence_rule == "linear":
            total = 0.0
            for score, (truth_index, _) in zip(scores, pairs, strict=True):
                total += score if truth_index >= 0 else 1.0 - score
            return min(total / n, 1.0)
        # A mixture: `1 - weight` for being a hit, `weight` for knowing it (Brier). The weight and the
        # denominator depend on the numbers of boxes only, not on which of them hit, so stating
        # the true probability stays the best a model can do. More boxes than objects lower the
        # weight, so that filling up with boxes of confidence 0 pays less the more there are.
        weight = self.profile.calibration_weight * min(1.0, max(m, 1) / n)
        total = 0.0
        for score, (truth_index, _) in zip(scores, pairs, strict=True):
            if truth_index >= 0:
                total += 1.0 - weight * (1.0 - score) * (1.0 - score)
            else:
                total += weight * (1.0 - score * score)
        return min(total / max(n, m), 1.0)


def _total(weights: tuple[float, ...]) -> float:
    value = 0.0
    for weight in weights:  # in the order in which a score is summed, so that full marks are the bound
        value += weight * 1.0
    return value


def _drop_duplicates(found: Found) -> None:
    seen: set[Corners] = set()
    kept: list[int] = []
    for index, box in enumerate(found.boxes):
        if box not in seen:
            seen.add(box)
            kept.append(index)
    if len(kept) < len(found.boxes):
        found.boxes = [found.boxes[index] for index in kept]
        found.scores = [found.scores[index] for index in kept]
        found.labels = [found.labels[index] for index in kept]


def _why_no_boxes(found: Found) -> str:
    if found.status is Status.MISSING:
        return "there is no answer"
    for issue in found.issues:
        if issue.kind is IssueKind.INVERTED:
            return f"no valid box: {issue.text} is inverted or empty"
        if issue.kind is IssueKind.OUT_OF_RANGE:
            return f"no valid box: {issue.text} lies outside the image"
    return "no box could be read from the answer"


def _describe(found: Found, hits: int, total: float, n: int, m: int) -> str:
    if not m:
        return f"{n} {'box' if n == 1 else 'boxes'} where there are no objects"
    text = f"{hits} of {m} objects found"
    if hits:
        text += f", mean IoU {total / hits:.2f}"
    if n > hits:
        text += f", {n - hits} wrong {'box' if n - hits == 1 else 'boxes'}"
    if any(issue.kind is IssueKind.CONFIDENCE_MISSING for issue in found.issues):
        text += ", confidence not given"
    return text
