"""A run beside a paper's rows, as every view shows it."""

from __future__ import annotations

from vrft_eval.baselines.models import Against, AgainstRow

BESIDE_HEAD = ["table", "model", "method", "shots", "metric", "paper %", "this run %", "difference"]


def beside_rows(against: Against) -> list[list[str]]:
    """The rows of means, in the paper's order and unit; those of single categories are in report.json."""
    return [
        [
            f"Table {row.table}",
            row.model,
            row.method,
            "-" if row.shots is None else str(row.shots),
            row.metric if row.split is None else f"{row.metric} ({row.split})",
            percent(row.paper),
            percent(row.run),
            "n/a" if row.difference is None else f"{100 * row.difference:+.1f}",
        ]
        for row in headline_rows(against)
    ]


def headline_rows(against: Against) -> list[AgainstRow]:
    """The rows that are means over a task's categories."""
    return [row for row in against.rows if row.category is None]


def percent(value: float | None) -> str:
    """A share as papers print it.

    >>> percent(0.3364), percent(None)
    ('33.6', 'n/a')
    """
    return "n/a" if value is None else f"{100 * value:.1f}"
