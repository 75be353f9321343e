"""The detection reward: IoU, confidence and format, and further parts that a profile gives a weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..answers.detections import Found, Rules, find_boxes
from ..answers.types import IssueKind, Status
from ..boxes import Corners
from ..completions import completion_text
from ..coordinates import ImageSize, space_size
from ..labels.normalise import label_key
from ..matching import Labels, pair_boxes
from ..profiles import DetectionProfile, Profile, resolve
from ..response import read_answer
from ..truth import optional_size, resized, truth_boxes, truth_with_labels
from .base import Measured, PartsReward
from .format import format_reward
from .parts import average_precision_part, confidence_part, count_part, giou_part, label_part, shared

__all__ = ["DetectionReward"]


class DetectionReward(PartsReward):
    """Reward boxes: parts ``iou``, ``confidence`` and ``format``, each in [0, 1].

    ``ap``, ``count``, ``giou`` and ``label`` are further parts, there when their weight isn't 0.
    ``profile`` is a name (see `PROFILES`), a Profile or a DetectionProfile; keywords replace its fields.
    Raises ValueError for an unknown profile or field, or a value that doesn't fit.

    >>> reward = DetectionReward()
    >>> score = reward.score("<think>One.</think><answer>[{'Position': [0, 0, 500, 500], 'Confidence': 1}]</answer>",
    ...                      [[0, 0, 500, 500]])
    >>> score.value, score.reason
    (3.0, '1 of 1 objects found, mean IoU 1.00; format right')
    """

    def __init__(self, profile: str | Profile | DetectionProfile = "default", **overrides: object) -> None:
        self.profile = resolve(profile, DetectionProfile, overrides)
        p = self.profile
        further = {"ap": p.ap_weight, "count": p.count_weight, "giou": p.giou_weight, "label": p.label_weight}
        self.further = tuple(key for key, weight in further.items() if weight)
        self.declare(
            ("iou", p.iou_weight, 0.0, 1.0),
            ("confidence", p.confidence_weight, 0.0, 1.0),
            ("format", p.format_weight, 0.0, 1.0),
            *((key, further[key], 0.0, 1.0) for key in self.further),
        )
        self._fixed_limits = space_size(p.space)
        self._rules = Rules(p.out_of_range, p.inverted, p.missing_confidence, p.max_boxes)

    def measure(self, completion: object, truth: Any, image_size: ImageSize | None = None) -> Measured:
        """Measure a completion against true boxes (m, 4); an empty list says that there is no object.

        ``truth`` may also be a mapping with ``boxes`` and ``labels``, one a box: then a hit needs the right label
        too, unless ``class_aware`` is off. It is in the answer's space unless ``truth_space`` says otherwise;
        ``image_size`` is (width, height) in pixels, needed for that conversion and for the edges in the pixel spaces.
        Raises ValueError for a bad truth or image size, never for a bad completion.
        """
        p = self.profile
        size = shown = true_labels = None
        if image_size is not None:
            size = optional_size(image_size)
            shown = resized(p, size)
        if type(truth) is not list and isinstance(truth, Mapping):
            truth, true_labels = truth_with_labels(truth)
        true = truth_boxes(truth, p.space, p.truth_space, size, "truth", shown)
        if true_labels is None and p.label_weight and true:
            raise ValueError("truth: expected a mapping with boxes and labels, since label_weight isn't 0")
        text = completion_text(completion)
        answer, issues = read_answer(text, p.answer)
        limits = self._fixed_limits or space_size(p.space, size, shown)
        found = find_boxes(answer, limits, self._rules)
        if p.drop_duplicates:
            _drop_duplicates(found)
        labels: Labels | None = None
        if true_labels is not None:
            labels = [label_key(label) for label in found.labels], [label_key(label) for label in true_labels]
        readable = found.status is Status.BOXES or found.status is Status.NO_OBJECTS
        paid, format_reason = format_reward(text, issues, p.format_rule, readable or not p.format_needs_answer)
        iou, confidence, further, reason = self._judge(found, true, labels)
        return (iou, confidence, paid, *further), f"{reason}; {format_reason}"

    def _judge(
        self, found: Found, true: list[Corners], labels: Labels | None
    ) -> tuple[float, float, tuple[float, ...], str]:
        n, m = len(found.boxes), len(true)
        if not n:
            right = found.status is Status.NO_OBJECTS and not m
            part = 1.0 if right else 0.0
            return part, part, (part,) * len(self.further), _why_no_boxes(found, m)
        p = self.profile
        required = labels if p.class_aware else None
        pairs = pair_boxes(found.boxes, found.scores, true, p.iou_threshold, p.matching, p.strict, required)
        total, hits = 0.0, 0
        for truth_index, iou in pairs:
            if truth_index >= 0:
                total += iou
                hits += 1
        further: list[float] = []
        for key in self.further:
            if key == "ap":
                further.append(average_precision_part(found.boxes, found.scores, true, required, p))
            elif key == "count":
                further.append(count_part(n, m))
            elif key == "giou":
                further.append(giou_part(found.boxes, true, pairs, p))
            else:
                further.append(0.0 if labels is None else label_part(labels, pairs))
        confidence = confidence_part(found.scores, pairs, n, m, p)
        return shared(total, n, m, p), confidence, tuple(further), _describe(found, hits, total, n, m)


def _drop_duplicates(found: Found) -> None:
    if len(set(found.boxes)) == len(found.boxes):
        return
    seen: set[Corners] = set()
    kept: list[int] = []
    for index, box in enumerate(found.boxes):
        if box not in seen:
            seen.add(box)
            kept.append(index)
    found.boxes = [found.boxes[index] for index in kept]
    found.scores = [found.scores[index] for index in kept]
    found.labels = [found.labels[index] for index in kept]


def _why_no_boxes(found: Found, m: int) -> str:
    if found.status is Status.NO_OBJECTS:
        if m:
            return f"says that there are no objects, but there are {m}"
        return "rightly says that there are no objects"
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
    text = f"{hits} of {m} objects found, mean IoU {total / hits:.2f}" if hits else f"0 of {m} objects found"
    if n > hits:
        text += f", {n - hits} wrong {'box' if n - hits == 1 else 'boxes'}"
    if found.issues and any(issue.kind is IssueKind.CONFIDENCE_MISSING for issue in found.issues):
        text += ", confidence not given"
    return text
