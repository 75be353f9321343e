"""One table a task, with a row a run: what the formats for papers and model cards share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vrft_eval.compare.load import what_differs
from vrft_eval.errors import choice
from vrft_eval.export.runs import ExportedRun, Options
from vrft_eval.report.evidence import interval_note
from vrft_eval.report.visible import plain
from vrft_eval.schemas import Interval

REWARD = "reward"
"""The column of the mean reward, beside the metrics of report.json."""


@dataclass(frozen=True)
class Cell:
    """A number of a run; best is whether no other row has a higher one."""

    value: float | None
    interval: Interval | None
    best: bool


@dataclass(frozen=True)
class Row:
    """One run's numbers, in the order of the columns."""

    name: str
    samples: int
    cells: list[Cell]


@dataclass(frozen=True)
class Results:
    """The runs of one task, and what a reader of the table has to know."""

    task: str
    columns: list[str]
    rows: list[Row]
    notes: list[str]


def results(runs: Sequence[ExportedRun], options: Options) -> list[Results]:
    """The tables of some runs, one a task. Raises InputError for a metric that none of them has."""
    check_metrics(runs, options.metrics)
    tasks = dict.fromkeys(run.report.task for run in runs)
    return [_results(task, [run for run in runs if run.report.task == task], options) for task in tasks]


def check_metrics(runs: Sequence[ExportedRun], wanted: tuple[str, ...] | None) -> None:
    """Raise InputError for a metric that none of the runs has."""
    known = [*dict.fromkeys(name for run in runs for name in run.report.metrics), REWARD]
    for name in wanted or ():
        choice(name, known, "--metrics")


def _results(task: str, runs: list[ExportedRun], options: Options) -> Results:
    has = dict.fromkeys(name for run in runs for name in run.report.metrics)
    headline = {name for run in runs for name in (run.report.headline, *run.report.intervals)}
    shown = [name for name in has if name in headline] if options.metrics is None else list(options.metrics)
    columns = [name for name in shown if name in has] + [REWARD] * (options.metrics is None or REWARD in shown)
    cells = [[_cell(run, name) for name in columns] for run in runs]
    highest = [
        max((value for value, _ in column if value is not None), default=None) for column in zip(*cells, strict=True)
    ]
    mark = options.best and len(runs) > 1
    rows = [
        Row(
            run.name,
            run.report.counts.get("samples", 0),
            [
                Cell(value, interval, mark and value is not None and value == top)
                for (value, interval), top in zip(row, highest, strict=True)
            ],
        )
        for run, row in zip(runs, cells, strict=True)
    ]
    return Results(task, columns, rows, _notes(runs))


def _cell(run: ExportedRun, name: str) -> tuple[float | None, Interval | None]:
    if name == REWARD:
        return run.report.rewards.mean, None
    return run.report.metrics.get(name), run.report.intervals.get(name)


def _notes(runs: Sequence[ExportedRun]) -> list[str]:
    notes = list(dict.fromkeys(note for run in runs if (note := interval_note(run.report))))
    without = [run for run in runs if not run.report.intervals]
    if without:
        named = ", ".join(plain(run.name) for run in without)
        notes.append(f"No intervals in the report of {named}: `vrft-eval report RUN --resamples 1000` makes them.")
    paid = {f"profile {run.report.rewards.profile}, of {run.report.rewards.bounds[1]:g}": None for run in runs}
    notes.append(f"Reward: mean over samples ({'; '.join(paid)}).")
    for run in runs:
        counts = run.report.counts
        if lost := counts.get("failed", 0) + counts.get("unanswered", 0):
            notes.append(f"{plain(run.name)}: {lost:,} samples without an answer count as empty ones.")
    for run in runs[1:]:
        differs = [line for line in what_differs(runs[0].info, run.info) if not line.startswith("resamples:")]
        if differs:
            notes.append(
                f"{plain(run.name)} is not run as {plain(runs[0].name)} is: {plain('; '.join(differs), 1000)}."
            )
    return notes
