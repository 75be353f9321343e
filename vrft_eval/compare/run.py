"""Put runs side by side, on the same draws of the images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vrft_eval.commands import RESAMPLES
from vrft_eval.compare.load import Run, load_runs, what_differs
from vrft_eval.compare.models import Change, ComparedCategory, ComparedMetric, Comparison, Flips, Pair
from vrft_eval.data_paths import DataPaths
from vrft_eval.errors import InputError
from vrft_eval.metrics.bootstrap import LEVEL, TermRecords, Terms, compare_records
from vrft_eval.metrics.by_category import category_key
from vrft_eval.schemas import Difference, Report
from vrft_eval.tasks.judged import Outcome

LEAST_IMAGES = 10
"""Images with truth of a category, below which its difference has no interval: so few make every draw alike."""
_RANK: dict[Outcome, int] = {"failed": 0, "unanswered": 0, "wrong": 1, "partly": 2, "right": 3}
_SEED = 0


@dataclass(frozen=True, eq=False)
class Compared:
    """A comparison, and the runs that it is of."""

    found: Comparison
    runs: Sequence[Run]


def compare(
    runs: Sequence[Path], *, paths: DataPaths | None = None, resamples: int = RESAMPLES, force: bool = False
) -> Compared:
    """Compare runs with the first one; writes nothing.

    Raises InputError for fewer than two runs, for one that can't be measured, and for runs that are of different data,
    gates or categories or are read in different ways: with `force` only when their images differ.
    """
    if resamples < 1:
        raise InputError("must be 1 or more", field="--resamples", value=resamples)
    loaded = load_runs(runs, paths, force=force)
    first = loaded[0]
    records = first.found.measures.records
    found = Comparison(
        task=first.report.task,
        headline=first.report.headline,
        images=0 if records is None else len(records.images),
        resamples=resamples,
        level=LEVEL,
        seed=_SEED,
        first=first.named(),
        pairs=[_pair(first, other, resamples) for other in loaded[1:]],
    )
    return Compared(found, loaded)


def _pair(first: Run, second: Run, resamples: int) -> Pair:
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
        per_category={} if name is None else _categories(first, second, name, found),
        flips=_flips(first, second),
        differs=what_differs(first.info, second.info),
    )


def _metric_differences(first: Run, second: Run, resamples: int) -> dict[str, Difference]:
    """Of the metrics by their names and, where both runs have them, of the categories by their keys."""
    one, other = first.found.measures, second.found.measures
    if one.records is None or other.records is None:
        return {}
    records = one.records, other.records
    if one.by_category is not None and other.by_category is not None:
        records = one.by_category.records, other.by_category.records
    try:
        return compare_records(*records, resamples, _SEED)
    except ValueError as error:
        raise InputError(str(error), file=second.path) from None


def _reward_difference(first: Run, second: Run, resamples: int) -> Difference | None:
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


def _categories(first: Run, second: Run, name: str, found: dict[str, Difference]) -> dict[str, ComparedCategory]:
    records = first.found.measures.by_category
    compared = {}
    for category in first.report.per_category:
        values = [run.report.per_category.get(category, {}).get(name) for run in (first, second)]
        one, other = (None if value is None else float(value) for value in values)
        images = None if records is None else records.images.get(category, 0)
        difference = None
        if one is not None and other is not None:
            difference = found.get(category_key(category))
            if difference is None or images is None or images < LEAST_IMAGES:
                difference = Difference(value=other - one, interval=None, p=None)
        compared[category] = ComparedCategory(first=one, second=other, difference=difference, images=images)
    return compared


def _flips(first: Run, second: Run) -> Flips:
    before = dict(zip((sample.id for sample in first.found.judged.samples), first.found.judged.outcomes, strict=True))
    better: list[str] = []
    worse: list[str] = []
    same = 0
    changes: Counter[tuple[Outcome, Outcome]] = Counter()
    for sample, now in zip(second.found.judged.samples, second.found.judged.outcomes, strict=True):
        was = before.get(sample.id)
        if was is None:
            continue
        if _RANK[now] == _RANK[was]:
            same += 1
            continue
        (better if _RANK[now] > _RANK[was] else worse).append(sample.id)
        changes[was, now] += 1
    return Flips(
        better=better,
        worse=worse,
        same=same,
        changes=[Change(before=was, after=now, count=count) for (was, now), count in changes.most_common()],
    )
