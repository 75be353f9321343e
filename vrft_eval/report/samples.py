"""All samples of a run as one block of data in the page, as far as there is room."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from vrft_eval.report.assets import script_json
from vrft_eval.report.choose import fair_order
from vrft_eval.report.filters import FILTERS, OUTCOMES
from vrft_eval.report.pictures import Picture, Pictures
from vrft_eval.report.pieces import longest_piece
from vrft_eval.report.rows import row_of
from vrft_eval.report.visible import HIDDEN_CHARACTERS, hidden_names
from vrft_eval.samples import Sample
from vrft_eval.schemas import Report
from vrft_eval.tasks.judged import Verdicts, completion_of

ROOM = 8_000_000
"""Bytes of the samples' data in a page."""
MOST = 20_000
"""Samples of a page."""


@dataclass(frozen=True)
class PageSamples:
    """What a page holds of a run's samples: data for its script, pictures, and sentences on what is left out.

    references says whether an image is shown from outside the page.
    """

    data: Markup
    pictures: list[Picture]
    references: bool
    notes: list[str]


@dataclass
class _Tables:
    """What many samples share is in the page once, and its place in their rows."""

    images: dict[Path, int] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    prompts: dict[str, int] = field(default_factory=dict)

    def places(self, sample: Sample) -> dict[str, int]:
        """Where the sample's are, or would be."""
        return {name: table.get(key, len(table)) for name, table, key in self._entries(sample)}

    def add(self, sample: Sample) -> None:
        for _, table, key in self._entries(sample):
            table.setdefault(key, len(table))

    def _entries(self, sample: Sample) -> Iterator[tuple[str, dict[Any, int], Any]]:
        yield "image", self.images, sample.image
        yield "prompt", self.prompts, sample.prompt
        if sample.category is not None:
            yield "category", self.categories, sample.category


def page_samples(report: Report, judged: Verdicts, masks: dict[str, dict[str, Any]], pictures: Pictures) -> PageSamples:
    """Take all samples, or a fair mix of as many as there is room for; long texts are cut before any is left out."""
    lengths = [len(completion_of(answer)) for answer in judged.answers]
    longest = longest_piece(lengths, ROOM // 2)
    rows: dict[int, Markup] = {}
    tables = _Tables()
    room = ROOM
    for place in fair_order(judged)[:MOST]:
        item = judged[place]
        row = row_of(item, report.rewards.bounds, masks.get(item.sample.id), longest)
        row |= tables.places(item.sample)
        text = script_json(row)
        room -= len(text.encode())
        if room < 0 and rows:
            break
        tables.add(item.sample)
        rows[place] = text
    shown = pictures.of(list(tables.images))
    head = {
        "kind": report.kind,
        "of": len(judged),
        "bounds": report.rewards.bounds,
        "parts": list(report.rewards.parts),
        "outcomes": OUTCOMES,
        "filters": [[entry.key, entry.label, entry.meaning] for entry in FILTERS],
        "categories": list(tables.categories),
        **_shared(list(tables.prompts)),
        "hidden": HIDDEN_CHARACTERS,
        "names": hidden_names(),
    }
    body = Markup(",").join(rows[place] for place in sorted(rows))
    data = script_json(head)[:-1] + Markup(',"samples":[') + body + Markup("]}")
    outside = [picture for picture in shown if picture is not None and not _inside(picture)]
    notes = _notes(len(rows), len(judged), longest, max(lengths, default=0), shown.count(None), len(outside))
    return PageSamples(data, shown, bool(outside), notes)


def _inside(picture: str | tuple[str, int]) -> bool:
    return isinstance(picture, str) and picture.startswith("data:")


def _shared(prompts: Sequence[str]) -> dict[str, Any]:
    """Prompts as what they begin and end with, and what each has between."""
    start = os.path.commonprefix(prompts)  # noqa: RUF071 (of any texts)
    rest = [prompt[len(start) :] for prompt in prompts]
    end = os.path.commonprefix([text[::-1] for text in rest])[::-1]  # noqa: RUF071
    return {"around": [start, end], "prompts": [text[: len(text) - len(end)] for text in rest]}


def _notes(shown: int, of: int, longest: int, longest_text: int, absent: int, outside: int) -> list[str]:
    notes = []
    if shown < of:
        notes.append(
            f"{shown:,} of {of:,} samples are in this page, as many as there is room for: taken in turn from every "
            "outcome, and within it from every category. All answers are in responses.jsonl."
        )
    if longest_text > longest:
        notes.append(f"Texts are cut after {longest:,} characters; they are whole in responses.jsonl.")
    if absent:
        notes.append(f"{absent:,} of the images could not be read; their boxes are drawn on an empty frame.")
    if outside:
        notes.append(
            f"{outside:,} images are not in this page but shown from where they lie; with --embed all are in it."
        )
    return notes
