"""Measure runs again from their own files and put them side by side, on the same draws of the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vrft_eval.commands import RESAMPLES, planned_again
from vrft_eval.compare.models import ComparedCategory, ComparedMetric, ComparedRun, Comparison, Flips, Pair
from vrft_eval.data_paths import DataPaths
from vrft_eval.errors import InputError
from vrft_eval.evaluated import Evaluated, evaluate
from vrft_eval.metrics.bootstrap import TermRecords, Terms, compare_records
from vrft_eval.runs import differences
from vrft_eval.schemas import Difference, Report, RunInfo, Settings

_DATA = ("task", "data", "gate", "gate_map", "categories", "labels", "left_out", "split")
"""Settings without which two runs' numbers are of different things."""
_RANK = {"failed": 0, "unanswered": 0, "wrong": 1, "partly": 2, "right": 3}
_SEED = 0


@dataclass(frozen=True, eq=False)
class _Run:
    path: Path
    info: RunInfo
    found: Evaluated

    @property
    def report(self) -> Report:
        return self.found.report

    def named(self) -> ComparedRun:
        report = self.report
        return ComparedRun(path=str(self.path), model=report.model, backend=report.backend, created=report.created)


def compare(
    runs: Sequence[Path], *, paths: DataPaths | None = None, resamples: int = RESAMPLES, force: bool = False
) -> Comparison:
    """Compare runs with the first one; writes nothing.

    Raises InputError for fewer than two runs, for one that can't be measured, and for runs that are of different data,
    gates or categories: with `force` only when their images differ.
    """
    if len(runs) < 2:
        raise InputError("needs two runs or more", field="RUN", value=[str(run) for run in runs])
    if resamples < 1:
        raise InputError("must be 1 or more", field="--resamples", value=resamples)
    infos = [planned_again(run, paths=paths, resamples=0) for run in runs]
    settings = [evaluation.folder.read_info().settings for evaluation in infos]
    for run, other in zip(runs[1:], settings[1:], strict=True):
        odd = [line for line in _setting_differences(settings[0], other) if line.split(":")[0] in _DATA]
        if odd and not force:
            listed = "\n  ".join(odd)
            raise InputError(f"isn't comparable with {runs[0]} (--force compares all the same)\n  {listed}", file=run)
    loaded = []
    for run, evaluation in zip(runs, infos, strict=True):
        if evaluation.gate is not None:
            evaluation.gate.check_decided()
        info = evaluation.folder.read_info()
        found = evaluate(
            evaluation.data, evaluation.samples, evaluation.answers, evaluation.reading, info, evaluation.gate
        )
        loaded.append(_Run(run, info, found))
    first = loaded[0]
    records = first.found.measures.records
    return Comparison(
        task=first.report.task,
        headline=first.report.headline,
        images=0 if records is None else len(records.images),
        resamples=resamples,
        seed=_SEED,
        first=first.named(),
        pairs=[_pair(first, other, resamples) for other in loaded[1:]],
    )


def _pair(first: _Run, second: _Run, resamples: int) -> Pair:
    found = _metric_differences(first, second, resamples)
    one, other = first.report, second.report
    metrics = {
        name: ComparedMetric(first=one.metrics[name], second=other.metrics[name], difference=found.get(name))
        for name in one.metrics
        if name in other.metrics
    }
    if one.rewards.profile == other.rewards.profile:
        difference = _reward_difference(first, second, resamples)
        metrics["reward"] = ComparedMetric(first=one.rewards.mean, second=other.rewards.mean, difference=difference)
    name = _category_metric(one, other)
    return Pair(
        run=second.named(),
        metrics=metrics,
        category_metric=name,
        per_category={} if name is None else _categories(one, other, name),
        flips=_flips(first, second),
        differs=[
            *(
                line
                for line in _setting_differences(first.info.settings, second.info.settings)
                if not line.startswith("model:")
            ),
            *_scoring_differences(first.info, second.info),
        ],
    )


def _metric_differences(first: _Run, second: _Run, resamples: int) -> dict[str, Difference]:
    one, other = first.found.measures.records, second.found.measures.records
    if one is None or other is None:
        return {}
    try:
        return compare_records(one, other, resamples, _SEED)
    except ValueError as error:
        raise InputError(str(error), file=second.path) from None


def _reward_difference(first: _Run, second: _Run, resamples: int) -> Difference | None:
    one, other = (
        TermRecords(
            [sample.image_id for sample in run.found.judged.samples],
            {"reward": Terms.mean(run.found.judged.rewards)},
        )
        for run in (first, second)
    )
    if set(one.images) != set(other.images):  # under the gates of two models
        return None
    low, high = first.report.rewards.bounds
    return compare_records(one, other, resamples, _SEED, (low - high, high - low)).get("reward")


def _category_metric(first: Report, second: Report) -> str | None:
    rows = (*first.per_category.values(), *second.per_category.values())
    return first.headline if any(first.headline in row for row in rows) else None


def _categories(first: Report, second: Report, name: str) -> dict[str, ComparedCategory]:
    found = {}
    for category in first.per_category:
        values = [report.per_category.get(category, {}).get(name) for report in (first, second)]
        one, other = (None if value is None else float(value) for value in values)
        difference = None if one is None or other is None else other - one
        found[category] = ComparedCategory(first=one, second=other, difference=difference)
    return found


def _flips(first: _Run, second: _Run) -> Flips:
    before, after = (
        {sample.id: _RANK[outcome] for sample, outcome in zip(judged.samples, judged.outcomes, strict=True)}
        for judged in (first.found.judged, second.found.judged)
    )
    better, worse, same = [], [], 0
    for key, now in after.items():
        was = before.get(key)
        if was is None:
            continue
        if now > was:
            better.append(key)
        elif now < was:
            worse.append(key)
        else:
            same += 1
    return Flips(better=better, worse=worse, same=same)


def _scoring_differences(first: RunInfo, second: RunInfo) -> list[str]:
    one, other = first.scoring.model_dump(), second.scoring.model_dump()
    return [f"{key}: {one[key]!r} there, {other[key]!r} here" for key in one if one[key] != other[key]]


def _setting_differences(first: Settings, second: Settings) -> list[str]:
    return differences(first, second, ("there", "here"))
