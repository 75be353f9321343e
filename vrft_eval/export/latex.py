r"""LaTeX tables of runs with booktabs; every name is escaped so that it is printed as it is."""

from __future__ import annotations

from collections.abc import Sequence

from vrft_eval.export.results import Cell, Results, results
from vrft_eval.export.runs import ExportedRun, Options, Output
from vrft_eval.report.evidence import interval_text
from vrft_eval.report.visible import plain
from vrft_eval.report.words import number

_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "'": r"\textquotesingle{}",
        "`": r"\textasciigrave{}",
        **{character: f"\\{character}" for character in "{}$&#_%"},
    }
)

_NEEDS = r"% needs \usepackage[T1]{fontenc} and \usepackage{booktabs}"


def write(runs: Sequence[ExportedRun], options: Options) -> Output:
    """One table a task. Raises InputError for an unknown metric."""
    return Output("\n".join([_NEEDS, *(_table(result) for result in results(runs, options))]))


def _table(result: Results) -> str:
    columns = "lr" + "r" * len(result.columns)
    head = " & ".join(["Model", "samples", *map(escaped, result.columns)])
    rows = [
        # In braces, since a row that begins with [ or * would be read as an option of the line break before it.
        " & ".join([f"{{{escaped(row.name)}}}", number(row.samples).replace(",", "{,}"), *map(_text, row.cells)])
        for row in result.rows
    ]
    return "\n".join(
        [
            r"\begin{table}[t]",
            r"\centering",
            rf"\caption{{{escaped(result.task)}. {' '.join(escaped(note) for note in result.notes)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            rf"{head} \\",
            r"\midrule",
            *(rf"{row} \\" for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _text(found: Cell) -> str:
    value = number(found.value)
    interval = interval_text(found.interval)
    return (rf"\textbf{{{value}}}" if found.best else value) + (rf" {{\scriptsize {interval}}}" if interval else "")


def escaped(text: str) -> str:
    r"""Text that LaTeX prints as it is.

    >>> print(escaped("50% of a_b\\input{x}"))
    50\% of a\_b\textbackslash{}input\{x\}
    """
    # Two hyphens would be printed as a dash.
    return plain(text, 2000).translate(_ESCAPES).replace("--", "-{}-").replace("--", "-{}-")
