"""One completion in words: what was read, matched, dropped and paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from .answers import Detections, Issue, parse_detections, parse_label
from .boxes import box_giou, box_iou
from .completions import completion_text
from .coordinates import ImageSize
from .matching import match_boxes
from .profiles import DetectionProfile, GroundingProfile
from .response import parse_response
from .rewards import ClassificationReward, DetectionReward, GroundingReward, Reward
from .terminal import Paint, visible
from .truth import truth_boxes

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
    found = parse_detections(
        answer,
        p.space,
        image_size,
        out_of_range=p.out_of_range,
        inverted=p.inverted,
        missing_confidence=p.missing_confidence,
        max_boxes=p.max_boxes,
    )
    true = truth_boxes(truth, p.space, p.truth_space, image_size)
    kept = _kept(found, p.drop_duplicates)
    boxes, scores = found.boxes[kept], found.scores[kept]
    lines: Lines = [("read", f"{found.status}: {len(boxes)}, true ones: {len(true)}")]
    if len(kept) < len(found):
        lines.append(("dropped", paint.warn(f"{len(found) - len(kept)} equal to an earlier box")))
    matching = match_boxes(boxes, scores, true, p.iou_threshold, p.matching, strict=p.strict)
    overlap = box_iou(boxes[:_SHOWN], true) if true else np.zeros((0, 0))
    for index, (box, confidence) in enumerate(zip(boxes[:_SHOWN].tolist(), scores.tolist(), strict=False)):
        text = f"{_corners(box)} confidence {confidence:g}"
        owner = int(matching.truth_of[index])
        if owner >= 0:
            text += paint.good(f" is object {owner + 1}, IoU {matching.iou[index]:.3f}")
        elif true:
            nearest = int(overlap[index].argmax())
            text += paint.bad(f" is wrong, IoU {overlap[index, nearest]:.3f} with object {nearest + 1}")
        else:
            text += paint.bad(" is wrong, there are no objects")
        lines.append((f"box {index + 1}", text))
    lines += _more(len(boxes), "boxes")
    missed = np.flatnonzero(matching.prediction_of < 0).tolist()
    lines += [("missed", paint.bad(f"object {index + 1} {_corners(true[index])}")) for index in missed[:_SHOWN]]
    return [*lines, *_more(len(missed), "missed objects"), *_issues(found.issues, paint)]


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
    found = parse_detections(answer, p.space, image_size, out_of_range=p.out_of_range, inverted=p.inverted)
    true = truth_boxes(np.asarray(truth, dtype=np.float64).reshape(1, -1), p.space, p.truth_space, image_size)
    lines: Lines = [
        ("read", f"{found.status}: {len(found)}, the first counts" if len(found) > 1 else str(found.status))
    ]
    if len(found):
        iou, giou = float(box_iou(found.boxes[:1], true)[0, 0]), float(box_giou(found.boxes[:1], true)[0, 0])
        text = f"{_corners(found.boxes[0].tolist())} "
        lines.append(("box", text + (paint.good if iou >= 0.5 else paint.bad)(f"IoU {iou:.3f}, GIoU {giou:.3f}")))
    lines.append(("truth", _corners(true[0])))
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
