"""One completion in words: what was read, what was dropped, what was paid."""

from __future__ import annotations

from typing import Any, Literal

from .answers import parse_label
from .answers.detections import find_boxes
from .completions import completion_text
from .coordinates import ImageSize, space_size
from .response import parse_response
from .rewards import ClassificationReward, DetectionReward, GroundingReward, Reward

__all__ = ["explain"]

_SHOWN = 20
"""Boxes and issues that are listed; the rest is counted."""


def explain(reward: Reward, completion: object, truth: Any, image_size: ImageSize | None = None) -> str:
    """Return a few lines of text about one score of a built-in reward.

    Raises ValueError for a bad truth, as the reward does.

    >>> print(explain(DetectionReward(), "<answer>[1, 2, 30, 40]</answer>", [[1, 2, 30, 40]]))
      format  missing_think
      answer  '[1, 2, 30, 40]'
      read    boxes
      box     (1, 2, 30, 40) confidence 1
      issue   confidence_missing: '[1, 2, 30, 40]'
      paid    iou 1.000, confidence 1.000, format 0.000
      reward  2.000 of 3: 1 of 1 objects found, mean IoU 1.00, confidence not given; format wrong: no <think> block
    """
    score = reward.score(completion, truth, image_size)
    choose: Literal["last", "first"] = "last"
    if isinstance(reward, (ClassificationReward, DetectionReward, GroundingReward)):
        choose = reward.profile.answer
    response = parse_response(completion_text(completion), choose)
    lines = [("format", ", ".join(map(str, response.issues)) or "well formed")]
    lines.append(("answer", "none" if response.answer is None else _short(response.answer)))
    lines += _read(reward, response.answer, image_size)
    lines.append(("paid", ", ".join(f"{key} {score.parts[key]:.3f}" for key in reward.keys)))
    lines.append(("reward", f"{score.value:.3f} of {reward.bounds[1]:g}: {score.reason}"))
    return "\n".join(f"  {name:<7} {text}" for name, text in lines)


def _read(reward: Reward, answer: str | None, image_size: ImageSize | None) -> list[tuple[str, str]]:
    if isinstance(reward, ClassificationReward):
        label = parse_label(answer)
        return [("read", f"{label.status}: {_short(label.text)}")]
    if not isinstance(reward, (DetectionReward, GroundingReward)):
        return []
    p = reward.profile
    found = find_boxes(answer, space_size(p.space, image_size), p.out_of_range, p.inverted)
    lines = [("read", str(found.status))]
    for box, confidence in list(zip(found.boxes, found.scores, strict=True))[:_SHOWN]:
        lines.append(("box", f"({', '.join(f'{value:g}' for value in box)}) confidence {confidence:g}"))
    for issue in found.issues[:_SHOWN]:
        lines.append(("issue", f"{issue.kind}: {_short(issue.text)}"))
    more = max(len(found.boxes), len(found.issues)) - _SHOWN
    return [*lines, ("more", f"{more} lines left out")] if more > 0 else lines


def _short(text: str) -> str:
    shown = text.strip()
    return repr(shown if len(shown) <= 200 else shown[:197] + "...")
