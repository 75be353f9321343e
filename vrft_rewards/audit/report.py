"""An audit's report as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..terminal import Paint, visible
from .types import Finding, Report

__all__ = ["as_json", "as_table"]


def as_table(report: Report, colour: bool = False) -> str:
    """Return what paid, what is known to, and the times of hostile text. Safe to print whatever the texts hold."""
    paint = Paint(colour)
    paid = [finding for finding in report.findings if finding.known is None]
    known = [finding for finding in report.findings if finding.known is not None]
    verdict = paint.bad(f"{len(paid)} cheats paid") if paid else paint.good("nothing paid")
    lines = [
        f"{paint.bold(visible(report.target))}, {report.task}: {verdict}, {len(known)} known; "
        f"{len(report.probes)} probes, {report.answers} answers",
        paint.dim(f"asked by {report.asked_as}"),
    ]
    if report.skipped:
        lines.append(paint.bad(f"{report.skipped} answers weren't tried: the function hung or died too often"))
    for title, findings in (("paid", paid), ("known", known)):
        if findings:
            lines += ["", *_rows(title, findings, paint)]
    return "\n".join([*lines, "", *_times(report, paint)])


def _rows(title: str, findings: Sequence[Finding], paint: Paint) -> list[str]:
    lines = [paint.dim(f"{'':7} {title:<24} {'honest':>9} {'earned':>9}  variants")]
    for finding in findings:
        severity = f"{finding.severity:<7}"
        shown = (
            paint.dim(severity)
            if finding.known
            else (paint.bad if finding.severity == "high" else paint.warn)(severity)
        )
        numbers = f"{_number(finding.honest):>9} {_number(finding.earned):>9}"
        lines.append(f"{shown} {paint.bold(f'{finding.name:<24}')} {numbers}  {finding.variants}")
        lines.append(f"{'':8}{visible(finding.known or finding.explanation, 300)}")
        truth = visible(json.dumps(finding.truth), 80)
        lines.append(paint.dim(f"{'':8}{visible(finding.completion, 110)}  truth {truth}"))
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}" if abs(value) >= 1e5 else f"{value:.3f}"


def _times(report: Report, paint: Paint) -> list[str]:
    sizes = sorted({size for timing in report.timings for size in timing.seconds})
    if not sizes:
        return []
    lines = [paint.dim(f"{'seconds by characters':<24}" + "".join(f"{size:>10,}" for size in sizes))]
    for timing in report.timings:
        cells = []
        for size in sizes:
            value = timing.seconds.get(size)
            cells.append(
                f"{value:>10.4f}" if value is not None else f"{'-' if size not in timing.seconds else 'hangs':>10}"
            )
        lines.append(f"{timing.text:<24}" + "".join(cells))
    return lines


def as_json(reports: Sequence[Report]) -> str:
    """Return reports as JSON: strictly JSON (no NaN), whatever the texts hold."""
    rows = [
        {
            "target": report.target,
            "task": report.task,
            "asked_as": report.asked_as,
            "passed": report.passed,
            "findings": [_finding(finding) for finding in report.findings if finding.known is None],
            "known": [_finding(finding) for finding in report.findings if finding.known is not None],
            "probes": list(report.probes),
            "answers": report.answers,
            "skipped": report.skipped,
            "seconds": {timing.text: {str(k): v for k, v in timing.seconds.items()} for timing in report.timings},
        }
        for report in reports
    ]
    return json.dumps({"passed": all(report.passed for report in reports), "audits": rows}, indent=2, allow_nan=False)


def _finding(finding: Finding) -> dict[str, object]:
    row: dict[str, object] = {
        "name": finding.name,
        "severity": finding.severity,
        "completion": finding.completion if len(finding.completion) <= 2_000 else finding.completion[:2_000] + "...",
        "truth": finding.truth,
        "honest": finding.honest,
        "earned": finding.earned,
        "variants": finding.variants,
        "explanation": finding.explanation,
    }
    return row if finding.known is None else {**row, "known": finding.known}
