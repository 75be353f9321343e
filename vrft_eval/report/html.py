"""report.html: one file that works offline and lets no model output run."""

from __future__ import annotations

from vrft_eval.report import beside, evidence
from vrft_eval.report.assets import CHARTS, render_page, script_json
from vrft_eval.report.charts import make_charts
from vrft_eval.report.pictures import Pictures
from vrft_eval.report.samples import page_samples
from vrft_eval.report.words import METRICS
from vrft_eval.schemas import Report, RunInfo
from vrft_eval.tasks.base import Measures
from vrft_eval.tasks.judged import Verdicts

VERDICTS = {
    "detection": ("right", "partly", "wrong"),
    **dict.fromkeys(("classification", "grounding"), ("right", "wrong")),
}
BROWSER = (
    *("element", "data", "text", "find", "masks", "labels", "picture", "list", "detail"),
    *("tools", "keys", "address", "browser"),
)
"""The scripts of the samples, in the order in which they need one another."""
_CARDS = 5


def render_report(
    report: Report, judged: Verdicts, measures: Measures, info: RunInfo, pictures: Pictures | None = None
) -> str:
    """The page of one run; pictures says how it gets its images, None that those with no room in it are left out."""
    samples = page_samples(report, judged, measures.masks, pictures or Pictures())
    return render_page(
        "report.html.j2",
        (*CHARTS, *BROWSER),
        ("samples.css",),
        references=samples.references,
        report=report,
        info=info,
        samples=samples,
        picture_data=script_json(samples.pictures),
        charts=make_charts(report, judged, measures.precision),
        evidence=evidence,
        beside=beside,
        cards=_cards(report),
        metric_rows=[
            [name, value, evidence.interval_text(report.intervals.get(name)), METRICS.get(name, "")]
            for name, value in report.metrics.items()
        ],
        category_head=["category", *next(iter(report.per_category.values()), {})],
        category_rows=[[name, *row.values()] for name, row in report.per_category.items()],
        confused=[[pair.truth, pair.predicted, pair.count] for pair in report.confusion.pairs]
        if report.confusion
        else [],
        verdicts={name: judged.outcomes.count(name) for name in VERDICTS[report.kind]},
    )


def _cards(report: Report) -> list[str]:
    """The metrics beside the headline: those that were found worth an interval, else the first ones."""
    others = [name for name in report.metrics if name != report.headline]
    return [name for name in others if name in report.intervals] or others[:_CARDS]
