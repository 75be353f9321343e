"""What the terminal shows at the end: tables, lines, errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vrft_eval.baselines.models import Against
from vrft_eval.files import dump_json
from vrft_eval.report.beside import beside_head, beside_rows, beside_title
from vrft_eval.report.evidence import interval_text
from vrft_eval.report.visible import plain
from vrft_eval.report.words import number
from vrft_eval.schemas import DemoRow, Report


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave a reader that has gone to the command, whose exit code Rich would make 1."""
        raise BrokenPipeError


out = _Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_reports(reports: Sequence[Report]) -> None:
    """One table with a part a task: every metric, its reward, what went wrong."""
    table = Table(header_style="bold")
    table.add_column("metric", overflow="fold")
    table.add_column("value", justify="right")
    table.add_column("95 % interval")
    for report in reports:
        table.add_row(Text(report.task, "bold cyan"), "", "")
        for key, value in report.metrics.items():
            style = "bold green" if key == report.headline else ""
            interval = interval_text(report.intervals.get(key))
            table.add_row(Text(key, style), Text(number(value), style), Text(interval, "dim"))
        table.add_row(f"mean reward of {report.rewards.bounds[1]:g}", number(report.rewards.mean))
        tracks = report.correlation
        if tracks is not None:
            name = f"its rank correlation with {tracks.metric}"
            table.add_row(name, number(tracks.value), Text(interval_text(tracks.interval), "dim"))
        if report.diagnostics is not None and report.diagnostics.calibration is not None:
            table.add_row("calibration error (ECE)", number(report.diagnostics.calibration.ece))
        for key in ("samples", "unanswered", "failed", "format_broken"):
            if report.counts.get(key) or key == "samples":
                table.add_row(key.replace("_", " "), number(report.counts[key]))
        table.add_section()
    out.print(table)
    for report in reports:
        if report.against is not None:
            print_beside(report.against)
    for report in reports:
        for note in report.notes:
            out.print(Text(f"{report.task}: {plain(note, 1000)}", "dim"))


def print_json(value: Any) -> None:
    """JSON alone on standard output, as `--json` wants it."""
    sys.stdout.write(dump_json(value))


def print_finished(reports: Sequence[Report], folders: Sequence[Path], *, as_json: bool = False) -> None:
    """What came out of runs, and where it lies; as JSON one report.json, or a list of them."""
    if as_json:
        found = [report.model_dump(mode="json") for report in reports]
        print_json(found[0] if len(found) == 1 else found)
        return
    print_reports(reports)
    for folder in folders:
        print_line(f"report: {folder / 'report.html'}")


def print_beside(against: Against) -> None:
    """A run beside a paper's rows, and what isn't the same."""
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    head = beside_head(against)
    for position, name in enumerate(head):
        table.add_column(name, justify="right" if position >= len(head) - 3 else "left")
    for row in beside_rows(against):
        table.add_row(*(Text(text) for text in row))
    out.print(Text(beside_title(against), "bold"))
    out.print(table)
    for text in against.differs:
        out.print(Text(plain(text, 1000), "dim"))


def print_demo(rows: Sequence[DemoRow]) -> None:
    """The demo's table: SFT against RFT, greedy answers and, at T=1, sampled ones."""
    table = Table(header_style="bold")
    for head in ("task", "metric"):
        table.add_column(head)
    for head in ("SFT", "RFT", "gain", "SFT\nT=1", "RFT\nT=1", "gain\nT=1"):
        table.add_column(head, justify="right")
    last = None
    for row in rows:
        if last not in (None, row.task):
            table.add_section()
        cells: list[str | Text] = []
        for pair in (row.greedy, row.sampled):
            gain = pair.difference
            style = "" if gain is None else "green" if gain > 0 else "red" if gain < 0 else ""
            cells += [number(pair.sft), number(pair.rft), Text("n/a" if gain is None else f"{gain:+.3f}", style)]
        name = row.task.removeprefix("shapes-")
        table.add_row("" if row.task == last else name, row.metric, *cells)
        last = row.task
    out.print(table)


def print_line(text: str) -> None:
    """One line on standard output, never wrapped: a path in it can be copied."""
    out.print(Text(text), soft_wrap=True)


def print_note(text: str) -> None:
    """What a user should know, on standard error."""
    err.print(Text(f"note: {plain(text, 1000)}", "dim"), soft_wrap=True)


def print_error(text: str) -> None:
    """An error on standard error."""
    err.print(Text.assemble(("error: ", "bold red"), text), soft_wrap=True)
