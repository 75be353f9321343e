"""A comparison on the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from vrft_eval import console
from vrft_eval.compare.models import Comparison, Pair
from vrft_eval.report.evidence import interval_text
from vrft_eval.report.visible import plain
from vrft_eval.report.words import number

_SURE = 0.05
_CATEGORIES = 5
_IDS = 5


def print_comparison(found: Comparison) -> None:
    """One table a pair: metrics with paired intervals and p-values, the categories and samples that changed most."""
    for pair in found.pairs:
        console.print_line(f"A: {found.first.path} ({plain(found.first.model or found.first.backend, 200)})")
        console.print_line(f"B: {pair.run.path} ({plain(pair.run.model or pair.run.backend, 200)})")
        console.out.print(_table(found, pair))
        for line in _lines(pair):
            console.out.print(Text(plain(line, 1000)), soft_wrap=True)
        for line in pair.differs:
            console.out.print(Text(f"differs: {plain(line, 1000)}", "dim"), soft_wrap=True)
    console.out.print(
        Text(
            f"Paired bootstrap over {found.images:,} images, {found.resamples:,} resamples, seed {found.seed}; "
            "p is two-sided and not adjusted for the number of metrics.",
            "dim",
        ),
        soft_wrap=True,
    )


def _table(found: Comparison, pair: Pair) -> Table:
    table = Table(header_style="bold", title=found.task)
    table.add_column("metric")
    for head in ("A", "B", "B - A"):
        table.add_column(head, justify="right")
    table.add_column("95 % interval")
    table.add_column("p", justify="right")
    for name, row in pair.metrics.items():
        difference = row.difference
        gap = None if row.first is None or row.second is None else row.second - row.first
        p = None if difference is None else difference.p
        style = "" if p is None or gap is None or p >= _SURE else "green" if gap > 0 else "red"
        table.add_row(
            Text(name, "bold" if name == found.headline else ""),
            number(row.first),
            number(row.second),
            Text("n/a" if gap is None else f"{gap:+.3f}", style),
            "" if difference is None else interval_text(difference.interval),
            "" if p is None else number(p),
        )
    return table


def _lines(pair: Pair) -> list[str]:
    lines = []
    changed = [(row.difference.value, name) for name, row in pair.per_category.items() if row.difference]
    for title, chosen in (
        ("up most", sorted((item for item in changed if item[0] > 0), reverse=True)),
        ("down most", sorted(item for item in changed if item[0] < 0)),
    ):
        if chosen:
            listed = ", ".join(f"{name} {gap:+.3f}" for gap, name in chosen[:_CATEGORIES])
            lines.append(f"{pair.category_metric} {title}: {listed}")
    flips = pair.flips
    lines.append(f"samples: {len(flips.better)} better, {len(flips.worse)} worse, {flips.same} the same")
    for title, ids in (("better", flips.better), ("worse", flips.worse)):
        if ids:
            lines.append(f"{title}: {', '.join(ids[:_IDS])}{', ...' if len(ids) > _IDS else ''}")
    return lines
