"""Samples as CSV for spreadsheets: one line a row, and nothing in a cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from vrft_eval.export.runs import ExportedRun, Options, Output
from vrft_eval.export.samples import sample_table
from vrft_eval.report.visible import HIDDEN_CHARACTERS

MAX_CELL = 32_000
"""Excel's cells hold 32,767 characters; what is longer runs over into cells of its own."""
# A cell that begins like this is a formula to some spreadsheet, and so is what follows a semicolon where that is taken
# for the separator: then quotes around it are no part of the cell. The last four are the full-width forms.
_FORMULA = re.compile(r"""(^|;)([\s"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])""")
_HIDDEN = re.compile(f"[{HIDDEN_CHARACTERS}\t\n]")


def write(runs: Sequence[ExportedRun], options: Options) -> Output:  # noqa: ARG001
    """One row a sample; null is an empty cell, lists are JSON."""
    table = sample_table(runs)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([safe(name) for name in table.column_names])
    writer.writerows(zip(*([_cell(value) for value in column.to_pylist()] for column in table.columns), strict=True))
    return Output(stream.getvalue())


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return safe(value)
    return _cut(json.dumps(value)) if isinstance(value, (list, bool)) else value


def safe(text: str) -> str:
    r"""Text that no spreadsheet takes for a formula, in one line: an apostrophe stands before what would begin one.

    Control and direction characters become escapes; what is then over `MAX_CELL` characters is cut, and counted.

    >>> print(safe("=1+1"), safe("a" + chr(10) + "-b"), safe("x; =HYPERLINK()"))
    '=1+1 a\n-b x; '=HYPERLINK()
    """
    line = _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
    return _cut(_FORMULA.sub(r"\1\2'", line))


def _cut(line: str) -> str:
    more = len(line) - MAX_CELL
    return line if more <= 0 else f"{line[:MAX_CELL]}… ({more:,} more characters)"
