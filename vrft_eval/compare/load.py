"""The runs that are compared, measured again from their own files, and why some can't be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vrft_eval.commands import planned_again
from vrft_eval.compare.models import ComparedRun
from vrft_eval.data_paths import DataPaths
from vrft_eval.errors import InputError
from vrft_eval.evaluated import Evaluated, evaluate
from vrft_eval.runs import differences
from vrft_eval.schemas import Report, RunInfo

_OTHER_DATA = ("task", "data", "gate", "gate_map", "categories", "labels", "left_out", "split")
"""Settings without which two runs' numbers are of different things."""
_OTHER_READING = ("space", "profile", "sam", "sam_dtype", "sam_choice")
"""What of the scoring changes what the numbers mean; `vrft-eval report` reads a run's answers in another way."""


@dataclass(frozen=True, eq=False)
class Run:
    """One of the runs, whole."""

    path: Path
    info: RunInfo
    found: Evaluated

    @property
    def report(self) -> Report:
        """Its report, made again."""
        return self.found.report

    def named(self) -> ComparedRun:
        """What a comparison says of it."""
        report = self.report
        return ComparedRun(path=str(self.path), model=report.model, backend=report.backend, created=report.created)


def load_runs(paths: Sequence[Path], data: DataPaths | None, *, force: bool) -> list[Run]:
    """Measure runs again; writes nothing.

    Raises InputError for runs that can't be measured, and without `force` for those that can't be compared with the
    first.
    """
    if len(paths) < 2:
        raise InputError("needs two runs or more", field="RUN", value=[str(path) for path in paths])
    planned = [planned_again(path, paths=data, resamples=0) for path in paths]
    infos = [evaluation.folder.read_info() for evaluation in planned]
    if not force:
        for path, info in zip(paths[1:], infos[1:], strict=True):
            _check(paths[0], infos[0], path, info)
    runs = []
    for path, info, evaluation in zip(paths, infos, planned, strict=True):
        if evaluation.gate is not None:
            evaluation.gate.check_decided()
        found = evaluate(
            evaluation.data, evaluation.samples, evaluation.answers, evaluation.reading, info, evaluation.gate
        )
        runs.append(Run(path, info, found))
    return runs


def what_differs(first: RunInfo, second: RunInfo) -> list[str]:
    """Settings and scoring that differ, one line each with both values; the model's aside."""
    return [
        *(line for line in _setting_differences(first, second) if _name(line) != "model"),
        *_scoring_differences(first, second),
    ]


def _check(first: Path, one: RunInfo, second: Path, other: RunInfo) -> None:
    odd = [line for line in _setting_differences(one, other) if _name(line) in _OTHER_DATA]
    read = [line for line in _scoring_differences(one, other) if _name(line) in _OTHER_READING]
    if not odd and not read:
        return
    hint = "" if odd else "; `vrft-eval report RUN` reads a run's answers in another way"
    listed = "\n  ".join([*odd, *read])
    raise InputError(f"isn't comparable with {first} (--force compares all the same{hint})\n  {listed}", file=second)


def _setting_differences(first: RunInfo, second: RunInfo) -> list[str]:
    return differences(first.settings, second.settings, ("there", "here"))


def _scoring_differences(first: RunInfo, second: RunInfo) -> list[str]:
    one, other = first.scoring.model_dump(), second.scoring.model_dump()
    return [f"{key}: {one[key]!r} there, {other[key]!r} here" for key in one if one[key] != other[key]]


def _name(line: str) -> str:
    return line.split(":")[0]
