"""What an experiment tracker is given of a run: numbers by name, the run's settings, and what it can't be given."""

from __future__ import annotations

import json
from typing import Any

from vrft_eval.export.runs import ExportedRun
from vrft_eval.schemas import Interval

PROJECT = "vrft"
"""Where runs are put when the client's own environment names no project."""


def numbers(run: ExportedRun) -> dict[str, float]:
    """Metrics, reward, calibration, counts and categories; an interval's ends are NAME/low and NAME/high."""
    report = run.report
    found: dict[str, float | None] = {}
    for name, value in report.metrics.items():
        found |= {name: value, **_ends(name, report.intervals.get(name))}
    found["reward/mean"] = report.rewards.mean
    found |= {f"reward/{part}": value for part, value in report.rewards.parts.items()}
    if report.correlation is not None:
        name = f"reward/rank correlation with {report.correlation.metric}"
        found |= {name: report.correlation.value, **_ends(name, report.correlation.interval)}
    if report.diagnostics is not None and report.diagnostics.calibration is not None:
        found["calibration/ece"] = report.diagnostics.calibration.ece
    found |= {f"count/{name}": value for name, value in report.counts.items()}
    for category, row in report.per_category.items():
        found |= {f"category/{category}/{name}": value for name, value in row.items()}
    return {name: float(value) for name, value in found.items() if value is not None}


def _ends(name: str, interval: Interval | None) -> dict[str, float | None]:
    return {} if interval is None else {f"{name}/low": interval.low, f"{name}/high": interval.high}


def settings(run: ExportedRun) -> dict[str, Any]:
    """What the numbers depend on, as run.json has it; places on this machine are left out."""
    kept = run.info.model_dump(
        mode="json", include={"created", "settings", "scoring", "packages", "python", "revision"}
    )
    return {"task": run.report.task, "model": run.report.model, "backend": run.report.backend, **kept}


def missing(run: ExportedRun) -> list[str]:
    """What a tracker can't be given, since the report doesn't have it."""
    lacks = {
        "intervals": not run.report.intervals,
        "numbers per category": not run.report.per_category,
    }
    return [f"{run.name}: the report has no {what}." for what, absent in lacks.items() if absent]


def shown(value: Any) -> Any:
    """A cell of a tracker's table: lists as JSON."""
    return json.dumps(value) if isinstance(value, list) else value
