"""The released rewards with their accidents, to see what those cost: for the proof alone, never to be trained on.

On well-formed answers the released code pays what the profile `visual-rft` pays. What it does besides, by accident
(read in Liuziyu77/Visual-RFT, src/virft/src/open_r1/grpo*.py):

- Before anything else answer and truth go through Math-Verify, which finds one number in a list of boxes, often the
  second; where it is the same, detection pays overlap and confidence in full, wherever the box lies.
- An image without the object that is asked for pays nothing, whatever is answered.
- A confidence is any number, and a box any four: a wrong box of confidence -9 pays in full.
- Quotes are replaced and JSON is read, so that an apostrophe, an empty list or a list cut in two loses the answer.
- A class name counts where it holds the answer, or the answer holds it: an empty answer, or one letter, is right. An
  answer of several lines isn't found, and the thoughts are searched instead.
- The corners of a grounding box aren't looked at: inverted twice, a box has a positive area again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from math_verify import parse, verify

from trainers.demo.tuning import TRUTHS
from vrft_rewards import ClassificationReward
from vrft_rewards.boxes import pairwise_iou
from vrft_rewards.completions import completion_text

_FORMAT = ClassificationReward(labels=["any"], profile="visual-rft")
_CORNERS = re.compile(r"\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*,\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)")


def released_reward(completions: list[Any], task: list[str], **columns: Any) -> list[float]:
    """The sum of the released rewards, for TRL; truths come as our own training set has them."""
    texts = [completion_text(completion) for completion in completions]
    paid: dict[str, Callable[[str, Any], float]] = {
        "detection": detection,
        "classification": classification,
        "grounding": grounding,
    }
    return [
        paid[name](text, columns[TRUTHS[name]][row]) + _FORMAT.score(text, "any").parts["format"]
        for row, (text, name) in enumerate(zip(texts, task, strict=True))
    ]


def detection(text: str, truth: list[list[int]]) -> float:
    """Overlap and confidence, of 2."""
    right = [{"Position": box, "Confidence": 1.0} for box in truth]
    if same_number(text, f"<answer>{right if truth else 'No Objects'}</answer>"):
        return 2.0
    items = _items(text)
    if not truth or not items:
        return 0.0
    first: dict[tuple[float, ...], dict[str, Any]] = {}
    for item in items:
        first.setdefault(tuple(item["Position"]), item)
    unique = sorted(first.values(), key=lambda item: -item["Confidence"])
    overlaps = pairwise_iou(np.array([item["Position"] for item in unique], np.float64), np.array(truth, np.float64))
    overlap = confidence = 0.0
    for item, row in zip(unique, overlaps, strict=True):
        best = int(row.argmax())
        hit = row[best] > 0.5
        overlap += row[best] if hit else 0.0
        confidence += item["Confidence"] if hit else 1 - item["Confidence"]
        if hit:
            overlaps[:, best] = 0.0
    # Overlap is at most 1 already, confidence isn't.
    return float(overlap / max(len(unique), len(truth)) + min(1.0, max(0.0, confidence / len(unique))))


def classification(text: str, truth: str) -> float:
    """Accuracy, of 1."""
    if same_number(text, f"<answer>{truth}</answer>"):
        return 1.0
    answered, right = (re.sub("[ _]", "", name).lower() for name in (_on_one_line(text), truth))
    return float(answered in right or right in answered)


def grounding(text: str, truth: list[int]) -> float:
    """GIoU + 1, of 2: as the formula goes, whichever way round the corners are."""
    if same_number(text, "<answer>({},{}),({},{})</answer>".format(*truth)):
        return 1.0
    found = re.search("<answer>(.*?)</answer>", text, re.DOTALL)
    boxes = _CORNERS.findall(found[1] if found else text)
    if not boxes:
        return 0.0
    # Of several boxes the first corners of the first two are taken for one box.
    corners = [box[:2] for box in boxes] + [box[2:] for box in boxes]
    (x1, y1), (x2, y2) = ((int(x), int(y)) for x, y in corners[:2])
    tx1, ty1, tx2, ty2 = truth
    inside = max(0, min(x2, tx2) - max(x1, tx1)) * max(0, min(y2, ty2) - max(y1, ty1))
    union = (x2 - x1) * (y2 - y1) + (tx2 - tx1) * (ty2 - ty1) - inside
    hull = (max(x2, tx2) - min(x1, tx1)) * (max(y2, ty2) - min(y1, ty1))
    iou = inside / union if union > 0 else 0.0
    return 1 + iou - (hull - union) / hull if hull > 0 else 1 + iou


def same_number(text: str, solution: str) -> bool:
    """What Math-Verify makes of both texts is equal."""
    return bool(verify(parse(text), parse(solution)))


def _on_one_line(text: str) -> str:
    found = re.search("<answer>(.*?)</answer>", text)
    return (found[1] if found else text).strip()


def _items(text: str) -> list[dict[str, Any]] | None:
    answer = _on_one_line(text).replace("[[", "[").replace("]]", "]").replace("\n", "")
    if not answer.endswith("]"):
        answer = answer.rsplit("},", 1)[0] + "}]"
    try:
        items = json.loads(answer.replace("'", '"'))
    except (ValueError, RecursionError):
        return None
    return items if isinstance(items, list) and all(map(_is_item, items)) else None


def _is_item(item: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("Confidence"), int | float):
        return False
    box = item.get("Position")
    return isinstance(box, list) and len(box) == 4 and all(isinstance(value, int | float) for value in box)
