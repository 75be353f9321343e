"""report.md: the same numbers for a pull request or a model card."""

from __future__ import annotations

import re

from vrft_eval.report.beside import beside_head, beside_rows, beside_title
from vrft_eval.report.evidence import (
    CALIBRATION_HEAD,
    ERROR_HEAD,
    calibration_rows,
    calibration_text,
    correlation_text,
    error_rows,
    error_text,
    interval_note,
    interval_text,
)
from vrft_eval.report.visible import plain
from vrft_eval.report.words import COUNTS, METRICS, model_name, number
from vrft_eval.schemas import Confusion, Diagnostics, Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!&~])")


def render_markdown(report: Report) -> str:
    """The report as Markdown."""
    lines = [
        f"# {cell(report.task)}: {report.headline} {number(report.metrics[report.headline])}",
        "",
        f"Model: {cell(model_name(report.model))}. Backend: {cell(report.backend)}. Created: {report.created}.",
        f"Gate: {report.gate or 'none needed'}. Coordinates: {report.space}. Seed: {report.seed}.",
        "",
        "## Metrics",
        "",
        *table(
            ["metric", "value", "interval", "meaning"],
            [
                [name, number(value, 4), interval_text(report.intervals.get(name)), METRICS.get(name, "")]
                for name, value in report.metrics.items()
            ],
        ),
        *([] if report.engine is None else ["", f"Computed with {report.engine}."]),
        *([] if not report.intervals else ["", interval_note(report)]),
        "",
        f"## Rewards (profile {cell(report.rewards.profile)})",
        "",
        *table(
            ["part", "mean"],
            [
                ["**all**", f"{number(report.rewards.mean)} of {report.rewards.bounds[1]:g}"],
                *([name, number(value)] for name, value in report.rewards.parts.items()),
            ],
        ),
        *([] if report.correlation is None else ["", cell(correlation_text(report.correlation))]),
        *_diagnostics(report.diagnostics),
        "",
        "## Counts",
        "",
        *table(["what", "number"], [[COUNTS.get(k, cell(k)), number(v)] for k, v in report.counts.items()]),
    ]
    if report.notes:
        lines += ["", "## Notes", "", *(f"- {cell(note)}" for note in report.notes)]
    if report.against is not None:
        lines += ["", "## Beside the paper", "", cell(beside_title(report.against)) + ":", ""]
        lines += table(
            beside_head(report.against), [[cell(text) for text in row] for row in beside_rows(report.against)]
        )
        lines += ["", *(f"- {cell(text)}" for text in report.against.differs)]
    if report.confusion is not None and report.confusion.pairs:
        lines += [
            "",
            "## Taken for another class",
            "",
            *table(["truth", "answered", "count"], _confused(report.confusion)),
        ]
    if report.per_category:
        columns = list(next(iter(report.per_category.values())))
        rows = [[cell(name), *(number(row[c]) for c in columns)] for name, row in report.per_category.items()]
        lines += ["", "## Per category", "", *table(["category", *columns], rows)]
    return "\n".join(lines) + "\n"


def _diagnostics(found: Diagnostics | None) -> list[str]:
    lines: list[str] = []
    if found is not None and found.calibration is not None:
        lines += ["", "## Confidence", "", calibration_text(found.calibration), ""]
        lines += table(CALIBRATION_HEAD, calibration_rows(found.calibration))
    if found is not None and found.errors is not None:
        lines += ["", "## Errors", "", error_text(found.errors), "", *table(ERROR_HEAD, error_rows(found.errors))]
    return lines


def _confused(found: Confusion) -> list[list[str]]:
    rows = [[cell(pair.truth), cell(pair.predicted), number(pair.count)] for pair in found.pairs]
    return [*rows, *([[f"{number(found.more_pairs)} more pairs", "", ""]] if found.more_pairs else [])]


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table, numbers to the right.

    >>> table(["a", "b"], [["x", "1"]])
    ['| a | b |', '|---|---:|', '| x | 1 |']
    """
    rule = "|" + "|".join("---" if k == 0 or name == "meaning" else "---:" for k, name in enumerate(head)) + "|"
    return [f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(row)} |" for row in rows)]


def cell(text: str) -> str:
    """Text that can't break out of a table cell or become markup.

    >>> cell("a|b")
    'a\\\\|b'
    """
    return _SPECIAL.sub(r"\\\1", plain(text, 2000))
