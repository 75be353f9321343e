"""report.html: one file that works offline and lets no model output run."""

from __future__ import annotations

from vrft_eval.report import beside, evidence
from vrft_eval.report.assets import CHARTS, render_page
from vrft_eval.report.cards import make_cards
from vrft_eval.report.choose import choose, chosen_note
from vrft_eval.report.labels import FONT
from vrft_eval.report.words import number
from vrft_eval.schemas import Report, RunInfo
from vrft_eval.tasks.base import Measures
from vrft_eval.tasks.judged import Verdicts

VERDICTS = ("right", "partly", "wrong")
OUTCOMES = (*VERDICTS, "unanswered", "failed")


def render_report(report: Report, judged: Verdicts, measures: Measures, info: RunInfo) -> str:
    """The page of one run, with at most 200 samples."""
    shown = choose(judged)
    cards, pictures = make_cards(shown, measures.masks)
    columns = list(next(iter(report.per_category.values()))) if report.per_category else []
    return render_page(
        "report.html.j2",
        (*CHARTS, "cards"),
        ("cards.css",),
        FONT=FONT,
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
