"""A run beside a paper's rows, as every view shows it."""

from __future__ import annotations

from vrft_eval.baselines.models import Against, AgainstRow


def beside_title(against: Against) -> str:
    """What is compared, and with what."""
    metrics = {row.metric for row in headline_rows(against)}
    what = f"{metrics.pop()} " if len(metrics) == 1 else ""
    return f"{what}in percent beside {against.source}"


def beside_head(against: Against) -> list[str]:
    """The columns; what is the same in every row is in the title."""
    return ["table", "model", "method", "shots", *_varying(against), "paper", "run", "difference"]


def beside_rows(against: Against) -> list[list[str]]:
    """The rows of means, in the paper's order and unit; those of single categories are in report.json."""
    return [
        [
            str(row.table),
            row.model,
            row.method,
            "-" if row.shots is None else str(row.shots),
            *(str(getattr(row, name)) for name in _varying(against)),
            percent(row.paper),
            percent(row.run),
            "n/a" if row.difference is None else f"{100 * row.difference:+.1f}",
        ]
        for row in headline_rows(against)
    ]


def _varying(against: Against) -> list[str]:
    rows = headline_rows(against)
    return [name for name in ("metric", "split") if len({getattr(row, name) for row in rows}) > 1]


def headline_rows(against: Against) -> list[AgainstRow]:
    """The rows that are means over a task's categories."""
    return [row for row in against.rows if row.category is None]


def percent(value: float | None) -> str:
    """A share as papers print it.

    >>> percent(0.3364), percent(None)
    ('33.6', 'n/a')
    """
    return "n/a" if value is None else f"{100 * value:.1f}"
