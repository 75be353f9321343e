"""The runs that are exported: what their files say, and each judged sample where a format wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vrft_eval.commands import planned_again
from vrft_eval.data_paths import DataPaths
from vrft_eval.errors import InputError
from vrft_eval.report.words import model_name
from vrft_eval.runs import RunFolder
from vrft_eval.schemas import Report, RunInfo, read_file
from vrft_eval.tasks import Verdicts


@dataclass(frozen=True, eq=False)
class ExportedRun:
    """One run under the name that it is exported by; judged is None where no samples are wanted, or none can be had.

    `model` is the name without what tells runs apart: as asked, else the model's; None for recorded answers.
    """

    path: Path
    name: str
    info: RunInfo
    report: Report
    model: str | None = None
    judged: Verdicts | None = None


@dataclass(frozen=True)
class Options:
    """What a format may be told: metrics to show (None: the headline ones), whether the best stands out, where to."""

    out: Path | None = None
    metrics: tuple[str, ...] | None = None
    best: bool = False


@dataclass(frozen=True)
class Output:
    """What a format made: content for a file or standard output, where it put what it wrote itself, what to know."""

    content: str | bytes | None = None
    places: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def load_runs(paths: Sequence[Path], names: Sequence[str] = (), *, by_task: bool = False) -> list[ExportedRun]:
    """Read the runs' run.json and report.json.

    They are named as asked (one name for all, or one for each), else after their models, with the folder where several
    runs (`by_task`: several of one task) would have one name. Raises InputError.
    """
    if len(names) not in (0, 1, len(paths)):
        raise InputError(f"give one for all {len(paths)} runs, or one for each", field="--name", value=list(names))
    found = [(RunFolder(path).read_info(), _report(path)) for path in paths]
    models: list[str | None] = list[str | None](names) * (len(paths) if len(names) == 1 else 1) or [
        None if report.model is None else model_name(report.model) for _, report in found
    ]
    given = [path.resolve().name if model is None else model for path, model in zip(paths, models, strict=True)]
    named = _distinct(given, [report.task if by_task else "" for _, report in found], paths)
    return [
        ExportedRun(path, name, info, report, model)
        for path, name, model, (info, report) in zip(paths, named, models, found, strict=True)
    ]


def _report(run: Path) -> Report:
    if not (run / "report.json").exists():
        raise InputError(f"the run has no report yet; `vrft-eval report {run}` makes it", file=run / "report.json")
    return read_file(Report, run / "report.json")


def _distinct(names: Sequence[str], tasks: Sequence[str], paths: Sequence[Path]) -> list[str]:
    for more in ([path.resolve().name for path in paths], [str(path) for path in paths]):
        rows = list(zip(tasks, names, strict=True))
        names = [
            f"{name} ({extra})" if rows.count((task, name)) > 1 and name != extra else name
            for (task, name), extra in zip(rows, more, strict=True)
        ]
    return list(names)


def judged_samples(run: Path, paths: DataPaths) -> Verdicts:
    """Every sample of a run, judged again as its run.json says. Raises InputError where its data can't be read."""
    evaluation = planned_again(run, paths=paths, resamples=0)
    if evaluation.gate is not None:
        evaluation.gate.check_decided()
    answers = [evaluation.answers.get(sample.id) for sample in evaluation.samples]
    return evaluation.data.judge_all(evaluation.samples, answers, evaluation.reading)
