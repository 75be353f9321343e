"""A Markdown table of runs, for a paper's draft, a pull request or a model card."""

from __future__ import annotations

from collections.abc import Sequence

from vrft_eval.export.results import REWARD, Cell, results
from vrft_eval.export.runs import ExportedRun, Options, Output
from vrft_eval.report.evidence import interval_text
from vrft_eval.report.markdown import cell, table
from vrft_eval.report.words import number


def write(runs: Sequence[ExportedRun], options: Options) -> Output:
    """One table a task. Raises InputError for an unknown metric."""
    found = results(runs, options)
    lines: list[str] = []
    for result in found:
        lines += [f"### {cell(result.task)}", ""] if len(found) > 1 else []
        rows = [[cell(row.name), number(row.samples), *map(_text, row.cells)] for row in result.rows]
        lines += table(
            ["model", "samples", *(REWARD if name == REWARD else cell(name) for name in result.columns)], rows
        )
        lines += ["", *(f"- {cell(note)}" for note in result.notes), ""]
    return Output("\n".join(lines).rstrip("\n") + "\n")


def _text(found: Cell) -> str:
    value = number(found.value)
    interval = interval_text(found.interval)
    return (f"**{value}**" if found.best else value) + (f" {interval}" if interval else "")
