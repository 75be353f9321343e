"""One sample as the page's script reads it: short keys, and nothing that can be left out."""

from __future__ import annotations

from typing import Any

from vrft_eval.report.filters import keys_of
from vrft_eval.report.masks import page_mask
from vrft_eval.report.pairs import pairs_of
from vrft_eval.report.pieces import pieces_of
from vrft_eval.tasks.judged import Judged

MAX_BOXES = 100
_MAX_ISSUES = 20
_REASON, _ISSUE, _NAME = 1000, 120, 300
NO_SIZE = (400, 300)


def row_of(item: Judged, bounds: tuple[float, float], mask: dict[str, Any] | None, longest: int) -> dict[str, Any]:
    """All that the page shows of a sample but its image, category and prompt.

    id, size [w, h], keys (of `filters`), reward, parts, why, text (`pieces`), format and dropped (what the parser
    remarked), status; truth (label or flat boxes x1, y1, x2, y2), boxes (flat), scores, pairs (of each box: is it
    matched, true box or -1, IoU), iou and confidence (of the sample), masks (of truth and prediction), label (what was
    read), tokens, more (boxes that are not drawn), error. Boxes are in pixels.
    """
    sample, response, pairs = item.sample, item.response, pairs_of(item)
    boxes = item.boxes[:MAX_BOXES]
    row: dict[str, Any] = {
        "id": sample.id,
        "size": list(sample.image_size or NO_SIZE),
        "keys": list(keys_of(item, pairs, bounds)),
        "reward": round(item.score.value, 4),
        "parts": [round(value, 4) for value in item.score.parts.values()],
        "why": item.score.reason[:_REASON],
        "text": pieces_of(item.text, response, longest),
        "format": [str(issue) for issue in response.issues] if item.text else [],
        "dropped": [[str(issue.kind), issue.text[:_ISSUE]] for issue in item.issues[:_MAX_ISSUES]],
        "status": item.status,
    }
    if isinstance(sample.truth, str):
        row |= {"truth": sample.truth, "label": item.label}
    else:
        row |= {"truth": _flat(sample.boxes), "boxes": _flat(boxes), "iou": pairs.iou and round(pairs.iou, 4)}
        row["pairs"] = [[int(own), truth, round(iou, 3)] for own, truth, iou in pairs.of_each[:MAX_BOXES]]
        if len(item.boxes) > MAX_BOXES:
            row["more"] = len(item.boxes) - MAX_BOXES
    if sample.kind == "detection":
        row["scores"] = [round(score, 4) for score in item.scores[:MAX_BOXES].tolist()]
        row["confidence"] = max(row["scores"], default=None)
    if sample.mask is not None or mask is not None:
        row["masks"] = [None if rle is None else page_mask(rle) for rle in (sample.mask, mask)]
    if item.answer is not None:
        row |= {"tokens": item.answer.tokens, "error": item.answer.error and item.answer.error[:_REASON]}
    return {key: value for key, value in row.items() if value not in (None, [])}


def _flat(boxes: Any) -> list[float]:
    values: list[float] = boxes.round(1).reshape(-1).tolist()
    return [int(value) if value == int(value) else value for value in values]
