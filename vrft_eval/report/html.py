"""report.html: one file that works offline and lets no model output run."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from vrft_eval.report import beside, evidence
from vrft_eval.report.cards import make_cards
from vrft_eval.report.choose import choose, chosen_note
from vrft_eval.report.labels import FONT
from vrft_eval.report.visible import plain
from vrft_eval.report.words import COUNTS, METRICS, model_name, number
from vrft_eval.schemas import Report, RunInfo
from vrft_eval.tasks.base import Measures
from vrft_eval.tasks.judged import Verdicts

_FOLDER = Path(__file__).parent / "page"
VERDICTS = ("right", "partly", "wrong")
OUTCOMES = (*VERDICTS, "unanswered", "failed")


def render_report(report: Report, judged: Verdicts, measures: Measures, info: RunInfo) -> str:
    """The page of one run, with at most 200 samples."""
    shown = choose(judged)
    cards, pictures = make_cards(shown, measures.masks)
    columns = list(next(iter(report.per_category.values()))) if report.per_category else []
    return render_page(
        "report.html.j2",
        report=report,
        info=info,
        cards=cards,
        pictures=pictures,
        columns=columns,
        evidence=evidence,
        beside=beside,
        interval_note=evidence.interval_note(report),
        metric_rows=[
            [name, number(value), evidence.interval_text(report.intervals.get(name))]
            for name, value in report.metrics.items()
        ],
        outcomes={name: sum(card.outcome == name for card in cards) for name in OUTCOMES},
        verdicts={name: judged.outcomes.count(name) for name in VERDICTS},
        broken=sum(card.broken for card in cards),
        categories=sorted({card.title for card in cards}),
        has_boxes=report.kind != "classification",
        has_masks=any(card.truth_mask or card.predicted_mask for card in cards),
        missing=sum(card.picture is None for card in cards),
        shown_note=chosen_note(len(cards), len(judged)),
    )


def render_page(template: str, **values: Any) -> str:
    """Fill a page template; style and script are put inline, and only that script may run."""
    script = (_FOLDER / "script.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),
            script=Markup(script),
            script_hash=digest,
            **values,
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, plain=plain, model_name=model_name)
    environment.globals.update(METRICS=METRICS, COUNTS=COUNTS, FONT=FONT)
    return environment
