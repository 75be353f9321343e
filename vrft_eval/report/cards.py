"""One sample as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from vrft_eval.report.labels import Label, Rect, place_labels
from vrft_eval.report.pictures import mask_picture, thumbnail
from vrft_eval.report.visible import visible
from vrft_eval.report.words import number
from vrft_eval.tasks.judged import Judged

_TRUTH = (0, 160, 130)
_PREDICTED = (240, 120, 20)
_MAX_BOXES = 100
_FULL_LABELS = 3
_NO_SIZE = (400, 300)


@dataclass(frozen=True)
class Card:
    """Everything the template needs about one sample; texts are escaped already where they are Markup."""

    id: str
    title: str
    outcome: str
    broken: bool
    picture: int | None
    size: tuple[int, int]
    truth: list[Rect]
    predicted: list[Rect]
    labels: list[Label]
    hidden_boxes: int
    truth_mask: str | None
    predicted_mask: str | None
    think: Markup | None
    answer: Markup | None
    raw: Markup
    prompt: Markup
    error: str | None
    facts: list[tuple[str, Markup]]
    dropped: list[tuple[str, Markup]]
    reward: float
    parts: list[tuple[str, float]]
    reason: Markup


def make_cards(judged: Sequence[Judged], masks: dict[str, dict[str, Any]]) -> tuple[list[Card], list[str]]:
    """Cards for samples, and the pictures they share (a card's `picture` is an index into them)."""
    pictures: list[str] = []
    index: dict[str, int | None] = {}
    cards = []
    for item in judged:
        key = str(item.sample.image)
        if key not in index:
            uri = thumbnail(item.sample.image)
            index[key] = None if uri is None else len(pictures)
            if uri is not None:
                pictures.append(uri)
        cards.append(_card(item, index[key], masks.get(item.sample.id)))
    return cards, pictures


def _card(item: Judged, picture: int | None, mask: dict[str, Any] | None) -> Card:
    sample, response = item.sample, item.response
    size = sample.image_size or _NO_SIZE
    truth = [] if isinstance(sample.truth, str) else [_rect(box, "") for box in sample.boxes.tolist()]
    predicted = [_rect(box, _box_label(item, k)) for k, box in enumerate(item.boxes[:_MAX_BOXES].tolist())]
    facts = [("format", Markup("right") if response.well_formed else visible(", ".join(map(str, response.issues))))]
    if isinstance(sample.truth, str):
        facts = [
            ("truth", visible(sample.truth)),
            ("read as", visible(item.label) if item.label else Markup("no class of the set")),
            *facts,
        ]
    else:
        facts.insert(0, ("read as", Markup(item.status.replace("_", " "))))
    if item.answer is not None and item.answer.tokens is not None:
        cut = ", cut off at the limit" if item.answer.finish == "length" else ""
        facts.append(("length", Markup(f"{item.answer.tokens} tokens{cut}")))
    return Card(
        id=sample.id,
        title=sample.category or sample.id,
        outcome=item.outcome,
        broken=bool(item.text) and not response.well_formed,
        picture=picture,
        size=size,
        truth=truth,
        predicted=predicted,
        labels=place_labels(predicted, size),
        hidden_boxes=max(0, len(item.boxes) - _MAX_BOXES),
        truth_mask=None if sample.mask is None else mask_picture(sample.mask, _TRUTH),
        predicted_mask=None if mask is None else mask_picture(mask, _PREDICTED),
        think=None if response.think is None else visible(response.think.strip(), 4000),
        answer=None if response.answer is None else visible(response.answer.strip(), 2000),
        raw=visible(item.text),
        prompt=visible(sample.prompt, 4000),
        error=None if item.answer is None else item.answer.error,
        facts=facts,
        dropped=[(str(issue.kind).replace("_", " "), visible(issue.text, 80)) for issue in item.issues[:20]],
        reward=item.score.value,
        parts=list(item.score.parts.items()),
        reason=visible(item.score.reason, 1000),
    )


def _rect(box: list[float], label: str) -> Rect:
    x1, y1, x2, y2 = (round(value, 2) for value in box)
    return Rect(x1, y1, round(x2 - x1, 2), round(y2 - y1, 2), label)


def _box_label(item: Judged, k: int) -> str:
    iou = float(item.ious[k]) if k < len(item.ious) else 0.0
    if len(item.boxes) > _FULL_LABELS:
        return number(float(item.scores[k]), 2)  # longer ones would hide a crowded picture
    overlap = f"IoU {number(iou, 2)}"
    if item.sample.kind == "grounding":
        return overlap
    return f"{number(float(item.scores[k]), 2)} · {overlap if iou else 'no match'}"
