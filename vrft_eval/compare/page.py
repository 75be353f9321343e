"""compare.html: a comparison to look at, one file that works offline."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from urllib.parse import quote

from vrft_eval.compare.flips import FlipCard, Pictures, make_cards
from vrft_eval.compare.forest import Forest, forest
from vrft_eval.compare.labels import FONT
from vrft_eval.compare.models import ComparedCategory, ComparedMetric, ComparedRun, Pair
from vrft_eval.compare.run import LEAST_IMAGES, Compared
from vrft_eval.files import write_atomic
from vrft_eval.report.assets import TABLES, render_page
from vrft_eval.report.evidence import interval_text

MAX_FLIPS = 200
"""Samples on a page, of all pairs: as many as a page can show with their images and stay small."""
_SURE = 0.05
_NO_METRIC = ComparedMetric(first=None, second=None, difference=None)
"""Of runs that are compared by force, one may lack the other's headline."""


@dataclass(frozen=True)
class Row:
    """A metric or a category: values, difference and how sure it is; `style` is up or down where it is sure."""

    name: str
    first: float | None
    second: float | None
    gap: float | None
    interval: str
    p: float | None
    style: str
    images: int | None = None


@dataclass(frozen=True)
class Shown:
    """A pair as the page shows it."""

    letter: str
    pair: Pair
    headline: Row
    metrics: list[Row]
    categories: list[Row]
    tested: int
    forest: Forest
    cards: list[FlipCard]


@dataclass(frozen=True)
class Named:
    """A run in the page's list of runs."""

    letter: str
    run: ComparedRun
    report: str | None


def write_page(compared: Compared, file: Path) -> None:
    """Write the page. Raises InputError when the file can't be written."""
    write_atomic(file, render_comparison(compared, file.absolute().parent))


def render_comparison(compared: Compared, folder: Path) -> str:
    """The page, to lie in a folder: its links to the runs' reports are relative to that."""
    found, runs = compared.found, compared.runs
    letters = [_letter(place) for place in range(len(runs))]
    links = [_report_link(run.path, folder) for run in runs]
    named = [Named(letter, run.named(), link) for run, letter, link in zip(runs, letters, links, strict=True)]
    low, high = runs[0].report.rewards.bounds
    most = max(1, MAX_FLIPS // len(found.pairs) // 2)
    pictures = Pictures()
    shown = []
    for place, pair in enumerate(found.pairs, start=1):
        sides = [(runs[k], letters[k], links[k]) for k in (0, place)]
        cards = make_cards(pair.flips, sides, pictures, most)
        shown.append(_shown(pair, letters[place], found.headline, forest(pair, high - low), cards))
    return render_page(
        "compare.html.j2",
        (*TABLES, "compare"),
        ("compare.css",),
        found=found,
        runs=named,
        shown=shown,
        pictures=pictures.uris,
        report=runs[0].report,
        least_images=LEAST_IMAGES,
        FONT=FONT,
    )


def _letter(place: int) -> str:
    """A, B, ..., Z, run 27, ...

    >>> _letter(1), _letter(26)
    ('B', 'run 27')
    """
    return ascii_uppercase[place] if place < len(ascii_uppercase) else f"run {place + 1}"


def _report_link(run: Path, folder: Path) -> str | None:
    file = run.absolute() / "report.html"
    return quote(Path(os.path.relpath(file, folder)).as_posix(), errors="replace") if file.is_file() else None


def _shown(pair: Pair, letter: str, headline: str, drawn: Forest, cards: list[FlipCard]) -> Shown:
    categories = [_row(name, row, row.images) for name, row in pair.per_category.items()]
    return Shown(
        letter=letter,
        pair=pair,
        headline=_row(headline, pair.metrics.get(headline, _NO_METRIC)),
        metrics=[_row(name, row) for name, row in pair.metrics.items()],
        categories=categories,
        tested=sum(row.p is not None for row in categories),
        forest=drawn,
        cards=cards,
    )


def _row(name: str, row: ComparedMetric | ComparedCategory, images: int | None = None) -> Row:
    gap = None if row.first is None or row.second is None else row.second - row.first
    difference = row.difference
    p = None if difference is None else difference.p
    style = "" if gap is None or p is None or p >= _SURE else "up" if gap > 0 else "down"
    interval = interval_text(None if difference is None else difference.interval)
    return Row(name, row.first, row.second, gap, interval, p, style, images)
