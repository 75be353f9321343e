"""How the findings of a check are printed."""

from __future__ import annotations

from rich.padding import Padding
from rich.text import Text

from vrft_eval import console
from vrft_eval.check.models import CheckReport
from vrft_eval.report.visible import plain

_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def print_check(report: CheckReport) -> None:
    """What was found, then what is missing or odd, the worst first, with the first examples."""
    split = f", split {report.split}" if report.split else ""
    console.print_line(f"{report.task}{split}: {report.data or 'nothing could be read'}")
    found = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in report.found.items())
    asked = ", ".join(f"{count:,} (gate {name})" for name, count in report.prompts.items())
    for head, listed in (("found", found), ("questions", asked.replace(" (gate images)", ""))):
        if listed:
            console.out.print(Padding(Text(f"{head}: {listed}"), (0, 0, 0, 2)))
    for finding in report.findings:
        title = Text.assemble(
            (f"{finding.severity}: ", _STYLES[finding.severity]), f"{finding.text} ({finding.count:,})"
        )
        console.out.print(Padding(title, (0, 0, 0, 2)))
        for example in finding.examples:
            # Not wrapped, so that a path can be copied.
            console.out.print(Text(f"      {plain(example, 300)}", "dim"), soft_wrap=True)
        if finding.count > len(finding.examples):
            console.out.print(Padding(Text("…", "dim"), (0, 0, 0, 6)))
    counts = [_kinds(report.count(kind), kind) for kind in ("error", "warning", "note")]
    how = "every image decoded" if report.full else "headers only; --full decodes every image"
    console.out.print(f"{', '.join(counts)}; {report.seconds:g} s ({how})")


def _kinds(count: int, kind: str) -> str:
    return f"{count} kind{'' if count == 1 else 's'} of {kind}{'' if count == 1 else 's'}" if count else f"no {kind}s"
