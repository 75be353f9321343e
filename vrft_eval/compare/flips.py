"""Samples whose outcome changed, as the page shows them: both answers on the same image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup

from vrft_eval.compare.labels import Label, Rect, place_labels
from vrft_eval.compare.load import Run
from vrft_eval.compare.marked import marked
from vrft_eval.compare.models import Flips
from vrft_eval.report.pictures import thumbnail
from vrft_eval.report.rows import MAX_BOXES, NO_SIZE
from vrft_eval.report.words import number
from vrft_eval.tasks.judged import Judged

_FULL_LABELS = 3


@dataclass(frozen=True)
class Side:
    """What one run answered."""

    letter: str
    outcome: str
    reward: float
    parts: list[tuple[str, float]]
    reason: Markup
    boxes: list[Rect]
    labels: list[Label]
    hidden_boxes: int
    think: Markup | None
    answer: Markup
    read_as: Markup | None
    error: str | None
    link: str | None


@dataclass(frozen=True)
class FlipCard:
    """A sample and both answers; `picture` is an index into the page's pictures, `labelled` are those without boxes."""

    id: str
    title: str
    better: bool
    truth: list[Rect]
    labelled: bool
    picture: int | None
    size: tuple[int, int]
    sides: tuple[Side, Side]


class Pictures:
    """The images of a page, each once."""

    def __init__(self) -> None:
        self.uris: list[str] = []
        self._index: dict[str, int | None] = {}

    def add(self, item: Judged) -> int | None:
        """The number of a sample's image; None when it can't be read."""
        key = str(item.sample.image)
        if key not in self._index:
            uri = thumbnail(item.sample.image)
            self._index[key] = None if uri is None else len(self.uris)
            if uri is not None:
                self.uris.append(uri)
        return self._index[key]


def make_cards(
    flips: Flips, sides: Sequence[tuple[Run, str, str | None]], pictures: Pictures, most: int
) -> list[FlipCard]:
    """Cards of at most so many samples in each direction, evenly over the data.

    sides are the two runs, each with its letter and the link to its report.
    """
    places = [{sample.id: place for place, sample in enumerate(run.found.judged.samples)} for run, _, _ in sides]
    cards = []
    for better, ids in ((True, flips.better), (False, flips.worse)):
        for key in _evenly(ids, most):
            one, other = (run.found.judged[place[key]] for (run, _, _), place in zip(sides, places, strict=True))
            first, second = (
                _side(item, letter, report) for item, (_, letter, report) in zip((one, other), sides, strict=True)
            )
            sample = one.sample
            labelled = isinstance(sample.truth, str)
            cards.append(
                FlipCard(
                    id=key,
                    title=sample.category or key,
                    better=better,
                    truth=[] if labelled else [_rect(box, "") for box in sample.boxes.tolist()],
                    labelled=labelled,
                    picture=pictures.add(one),
                    size=sample.image_size or NO_SIZE,
                    sides=(first, second),
                )
            )
    return cards


def sample_link(report: str, sample: str) -> str:
    """A sample's place in a run's report; the id as JavaScript's encodeURIComponent writes it.

    >>> sample_link("../a/report.html", "cats/x y#1.png")
    '../a/report.html#sample=cats%2Fx%20y%231.png'
    """
    return f"{report}#sample={quote(sample, safe=_UNRESERVED, errors='replace')}"


_UNRESERVED = "!*'()"


def _evenly(ids: Sequence[str], most: int) -> Sequence[str]:
    """So many of the ids, from all over.

    >>> _evenly("abcdef", 3)
    ['a', 'c', 'e']
    """
    return ids if len(ids) <= most else [ids[k * len(ids) // most] for k in range(most)]


def _side(item: Judged, letter: str, report: str | None) -> Side:
    size = item.sample.image_size or NO_SIZE
    boxes = [_rect(box, _label(item, k)) for k, box in enumerate(item.boxes[:MAX_BOXES].tolist())]
    labelled = isinstance(item.sample.truth, str)
    response = item.response
    return Side(
        letter=letter,
        outcome=item.outcome,
        reward=item.score.value,
        parts=list(item.score.parts.items()),
        reason=marked(item.score.reason, 1000),
        boxes=boxes,
        labels=place_labels(boxes, size),
        hidden_boxes=max(0, len(item.boxes) - MAX_BOXES),
        think=None if response.think is None else marked(response.think.strip(), 4000),
        answer=marked(item.text if response.answer is None else response.answer.strip(), 2000),
        read_as=(marked(item.label, 200) if item.label else Markup("no class of the set")) if labelled else None,
        error=None if item.answer is None else item.answer.error,
        link=None if report is None else sample_link(report, item.sample.id),
    )


def _rect(box: list[float], label: str) -> Rect:
    x1, y1, x2, y2 = (round(value, 2) for value in box)
    return Rect(x1, y1, round(x2 - x1, 2), round(y2 - y1, 2), label)


def _label(item: Judged, k: int) -> str:
    confidence, iou = number(float(item.scores[k]), 2), float(item.ious[k]) if k < len(item.ious) else 0.0
    if len(item.boxes) > _FULL_LABELS:
        return confidence  # longer ones would hide a crowded picture
    overlap = f"IoU {number(iou, 2)}"
    return overlap if item.sample.kind == "grounding" else f"{confidence} · {overlap if iou else 'no match'}"
