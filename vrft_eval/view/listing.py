"""A folder of runs as one page: what each came to, and the way to its report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vrft_eval.errors import InputError
from vrft_eval.report.assets import render_page
from vrft_eval.report.evidence import interval_text
from vrft_eval.runs import RunFolder
from vrft_eval.schemas import Report, read_file
from vrft_eval.view.finding import finished


@dataclass(frozen=True)
class Row:
    """A run in the list; the numbers are None until its report is there."""

    name: str
    link: str
    state: str
    task: str = ""
    model: str | None = None
    created: str = ""
    headline: str = ""
    value: float | None = None
    interval: str = ""
    reward: float | None = None
    samples: int | None = None


def render_list(root: Path, runs: list[tuple[Path, str]]) -> str:
    """The page; runs are folders below the root, each with its address."""
    rows = [_row(root, run, link) for run, link in runs]
    return render_page("runs.html.j2", title=root.absolute().name or str(root.absolute()), rows=rows)


def _row(root: Path, run: Path, link: str) -> Row:
    name = run.relative_to(root).as_posix()
    try:
        info = RunFolder(run).read_info()
        report = read_file(Report, run / "report.json") if (run / "report.json").is_file() else None
    except InputError as error:
        return Row(name, link, str(error))
    row = Row(
        name,
        link,
        "finished" if finished(run) is not None else f"{_lines(run / 'responses.jsonl'):,} answered",
        task=info.settings.task,
        model=info.source.model,
        created=info.created,
    )
    if report is None or finished(run) is None:
        return row
    return Row(
        name,
        link,
        row.state,
        row.task,
        row.model,
        row.created,
        headline=report.headline,
        value=report.metrics.get(report.headline),
        interval=interval_text(report.intervals.get(report.headline)),
        reward=report.rewards.mean,
        samples=report.counts.get("samples"),
    )


def _lines(file: Path) -> int:
    try:
        with file.open("rb") as stream:
            return sum(1 for _ in stream)
    except OSError:
        return 0
