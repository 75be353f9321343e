"""Write a run's three reports, each whole or not at all."""

from __future__ import annotations

from pathlib import Path

from vrft_eval.files import dump_json, write_atomic
from vrft_eval.report.html import render_report
from vrft_eval.report.markdown import render_markdown
from vrft_eval.report.pictures import Pictures
from vrft_eval.schemas import Report, RunInfo
from vrft_eval.tasks.base import Measures
from vrft_eval.tasks.judged import Verdicts


def write_reports(
    folder: Path, report: Report, judged: Verdicts, measures: Measures, info: RunInfo, *, embed: bool = False
) -> None:
    """Write report.json, report.md and report.html into a folder; embed puts every image into the page."""
    page = render_report(report, judged, measures, info, Pictures(folder, embed))
    write_atomic(folder / "report.json", dump_json(report.model_dump(mode="json")))
    write_atomic(folder / "report.md", render_markdown(report))
    write_atomic(folder / "report.html", page)
