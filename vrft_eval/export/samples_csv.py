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

MAX_CELL = 32_000
"""Excel's cells hold 32,767 characters; what is longer runs over into cells of its own."""
# A cell that begins like this is a formula to some spreadsheet, and so is what follows a semicolon where that is taken
# for the separator. The last four are the full-width forms.
_FORMULA = re.compile(r"(^|;)(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


def write(runs: Sequence[ExportedRun], options: Options) -> Output:  # noqa: ARG001
    """One row a sample; null is an empty cell, lists are JSON."""
    table = sample_table(runs)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(zip(*([_cell(value) for value in column.to_pylist()] for column in table.columns), strict=True))
    return Output(stream.getvalue())


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return safe(value)
    return json.dumps(value) if isinstance(value, (list, bool)) else value


def safe(text: str) -> str:
    r"""Text that no spreadsheet takes for a formula, in one line: an apostrophe stands before what would begin one.

    Control and direction characters become escapes; what is over `MAX_CELL` characters is counted.

    >>> print(safe("=1+1"), safe("a" + chr(10) + "-b"), safe("x; =HYPERLINK()"))
    '=1+1 a\n-b x; '=HYPERLINK()
    """
    kept = text[:MAX_CELL]
    line = _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), kept)
    more = f"… ({len(text) - len(kept):,} more characters)" if len(kept) < len(text) else ""
    return _FORMULA.sub(r"\1\2'", line) + more
