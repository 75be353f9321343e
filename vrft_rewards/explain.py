"""One completion in words: what was read, matched, dropped and paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from .answers import Detections, Issue, parse_detections, parse_label
from .answers.detections import Rules, find_boxes
from .boxes import box_iou, giou_of_pair, iou_of_pair
from .completions import completion_text
from .coordinates import ImageSize, space_size
from .labels.normalise import label_key
from .matching import match_boxes
from .profiles import DetectionProfile, GroundingProfile
from .response import parse_response
from .rewards import ClassificationReward, DetectionReward, GroundingReward, Reward
from .terminal import Paint, visible
from .truth import grounding_truth, optional_size, resized, truth_boxes, truth_with_labels

__all__ = ["explain"]

_SHOWN = 20
"""Boxes and issues that are listed; the rest is counted."""

Lines = list[tuple[str, str]]


def explain(
    reward: Reward, completion: object, truth: Any, image_size: ImageSize | None = None, colour: bool = False
) -> str:
    """Return a few lines of text about one score of a built-in reward, safe to print whatever the model wrote.

    Control, bidi and invisible characters of the completion are shown as escapes. ``colour`` adds ANSI colours.
    Raises ValueError for a bad truth, as the reward does.

    >>> print(explain(DetectionReward(), "<answer>[1, 2, 30, 40]</answer>", [[1, 2, 30, 40], [50, 50, 90, 90]]))
      format   missing_think
      answer   [1, 2, 30, 40]
      read     boxes: 1, true ones: 2
      box 1    (1, 2, 30, 40) confidence 1 is object 1, IoU 1.000
      missed   object 2 (50, 50, 90, 90)
      issue    confidence_missing: [1, 2, 30, 40]
      paid     iou 0.667, confidence 0.750, format 0.000
      reward   1.417 of 3: 1 of 2 objects found, mean IoU 1.00, confidence not given; format wrong: no <think> block
    """
    paint = Paint(colour)
    image_size = optional_size(image_size)
    score = reward.score(completion, truth, image_size)
    choose: Literal["last", "first"] = "last"
    if isinstance(reward, (ClassificationReward, DetectionReward, GroundingReward)):
        choose = reward.profile.answer
    response = parse_response(completion_text(completion), choose)
    issues = ", ".join(map(str, response.issues))
    lines: Lines = [("format", paint.warn(issues) if issues else paint.good("well formed"))]
    lines.append(("answer", paint.warn("none") if response.answer is None else visible(response.answer.strip())))
    if isinstance(reward, ClassificationReward):
        lines += _label(reward, response.answer, truth, paint)
    elif isinstance(reward, DetectionReward):
        lines += _detections(reward.profile, response.answer, truth, image_size, paint)
    elif isinstance(reward, GroundingReward):
        lines += _grounding(reward.profile, response.answer, truth, image_size, paint)
    parts = [f"{key} {_coloured(score.parts[key], 1.0, paint)}" for key in reward.keys]
    lines.append(("paid", ", ".join(parts)))
    low, high = reward.bounds
    value = paint.bold(_coloured(score.value - low, high - low, paint, score.value))
    lines.append(("reward", f"{value} of {high:g}: {visible(score.reason, 400)}"))
    return "\n".join(f"  {paint.dim(f'{name:<8}')} {text}" for name, text in lines)


def _coloured(value: float, most: float, paint: Paint, shown: float | None = None) -> str:
    text = f"{value if shown is None else shown:.3f}"
    if value >= most - 1e-9:
        return paint.good(text)
    return paint.bad(text) if value <= 1e-9 else paint.warn(text)


def _label(reward: ClassificationReward, answer: str | None, truth: str, paint: Paint) -> Lines:
    label = parse_label(answer)
    lines: Lines = [("read", f"{label.status}: {visible(label.text)}")]
    if reward.matcher is not None and reward.profile.label_rule == "matcher":
        match = reward.matcher.match(label.text)
        right = match.label is not None and match.label == reward.matcher.named(truth)
        named = "no label" if match.label is None else visible(match.label)
        how = f" ({match.how}, {match.similarity:.0f} of 100)" if match.how else ""
        lines.append(("matched", (paint.good if right else paint.bad)(named) + how))
    return [*lines, ("truth", visible(truth)), *_issues(label.issues, paint)]


def _detections(
    p: DetectionProfile, answer: str | None, truth: Any, image_size: ImageSize | None, paint: Paint
) -> Lines:
    shown = resized(p, image_size)
    found = parse_detections(
        answer,
        p.space,
        image_size,
        resized_size=shown,
        out_of_range=p.out_of_range,
        inverted=p.inverted,
        missing_confidence=p.missing_confidence,
        max_boxes=p.max_boxes,
    )
    truth, names = truth_with_labels(truth) if isinstance(truth, Mapping) else (truth, None)
    true = truth_boxes(truth, p.space, p.truth_space, image_size, "truth", shown)
    kept = _kept(found, p.drop_duplicates)
    boxes, scores, labels = found.boxes[kept], found.scores[kept], [found.labels[index] for index in kept]
    lines: Lines = [("read", f"{found.status}: {len(boxes)}, true ones: {len(true)}")]
    if len(kept) < len(found):
        lines.append(("dropped", paint.warn(f"{len(found) - len(kept)} equal to an earlier box")))
    required = None if names is None or not p.class_aware else ([*map(label_key, labels)], [*map(label_key, names)])
    matching = match_boxes(
        boxes,
        scores,
        true,
        p.iou_threshold,
        p.matching,
        strict=p.strict,
        labels=None if required is None else required[0],
        truth_labels=None if required is None else required[1],
    )
    overlap = box_iou(boxes[:_SHOWN], true) if true else np.zeros((0, 0))
    for index, (box, confidence) in enumerate(zip(boxes[:_SHOWN].tolist(), scores.tolist(), strict=False)):
        text = f"{_corners(box)}{_named(labels[index], names)} confidence {confidence:g}"
        owner = int(matching.truth_of[index])
        if owner >= 0:
            text += paint.good(f" is object {owner + 1}, IoU {matching.iou[index]:.3f}")
        elif true:
            nearest = int(overlap[index].argmax())
            which = f"object {nearest + 1}{_named(None if names is None else names[nearest], names)}"
            text += paint.bad(f" is wrong, IoU {overlap[index, nearest]:.3f} with {which}")
        else:
            text += paint.bad(" is wrong, there are no objects")
        lines.append((f"box {index + 1}", text))
    lines += _more(len(boxes), "boxes")
    missed = np.flatnonzero(matching.prediction_of < 0).tolist()
    for index in missed[:_SHOWN]:
        name = _named(None if names is None else names[index], names)
        lines.append(("missed", paint.bad(f"object {index + 1} {_corners(true[index])}{name}")))
    return [*lines, *_more(len(missed), "missed objects"), *_issues(found.issues, paint)]


def _named(label: str | None, names: tuple[str, ...] | None) -> str:
    """Return a label as it is shown after a box, where the truth has labels at all."""
    return "" if names is None else " without label" if label is None else f" '{visible(label, 40)}'"


def _kept(found: Detections, drop_duplicates: bool) -> list[int]:
    if not drop_duplicates:
        return list(range(len(found)))
    first: dict[tuple[float, ...], int] = {}
    for index, box in enumerate(found.boxes.tolist()):
        first.setdefault(tuple(box), index)
    return sorted(first.values())


def _grounding(
    p: GroundingProfile, answer: str | None, truth: Any, image_size: ImageSize | None, paint: Paint
) -> Lines:
    shown = resized(p, image_size)
    found = find_boxes(answer, space_size(p.space, image_size, shown), Rules(p.out_of_range, p.inverted))
    (true,) = truth_boxes(grounding_truth(truth)["box"], p.space, p.truth_space, image_size, "truth", shown)
    count = len(found.boxes)
    lines: Lines = [("read", f"{found.status}: {count}, the first counts" if count > 1 else str(found.status))]
    for box in found.boxes[:1]:
        iou, giou = iou_of_pair(box, true), giou_of_pair(box, true)
        text = (paint.good if iou >= 0.5 else paint.bad)(f"IoU {iou:.3f}, GIoU {giou:.3f}")
        lines.append(("box", f"{_corners(box)} {text}"))
    if found.points and (p.point_weight or p.structure_weight):
        lines.append(("points", ", ".join(map(_corners, found.points[:_SHOWN]))))
        lines += _more(len(found.points), "points")
    lines.append(("truth", _corners(true)))
    issues = [issue for issue in found.issues if issue.kind != "confidence_missing"]
    return [*lines, *_issues(issues, paint)]


def _corners(box: Sequence[float]) -> str:
    return f"({', '.join(f'{value:g}' for value in box)})"


def _issues(issues: Sequence[Issue], paint: Paint) -> Lines:
    lines: Lines = [
        ("issue", f"{paint.warn(str(issue.kind))}: {visible(issue.text.strip())}") for issue in issues[:_SHOWN]
    ]
    return [*lines, *_more(len(issues), "issues")]


def _more(count: int, what: str) -> Lines:
    return [("", f"and {count - _SHOWN} more {what}")] if count > _SHOWN else []
