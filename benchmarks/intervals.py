"""How often an interval holds what it should: `python benchmarks/intervals.py`.

A generated population of images with answers plays the world. Test sets are drawn from it; each gives an estimate of
mAP, AP50 and AP75 and their bootstrap intervals of 95 %. What an interval should hold is the metric's mean over all
test sets of that size: what another one would give. Counted is how often it does, taken as the bare percentiles of the
resamples, and moved by their bias to lie around the estimate, as reports give it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from metrics import generate

from vrft_eval import commands
from vrft_eval.commands import DataPaths
from vrft_eval.metrics.bootstrap import Records, interval_around

POPULATION, SETS, RESAMPLES = 2000, 120, 200


def coverage(records: Records, size: int) -> None:
    """Print one row a metric for test sets of some size."""
    rng = np.random.default_rng(size)
    images = len(records.images)
    chosen = [rng.choice(images, size, replace=False) for _ in range(SETS)]
    estimates = records.metrics(np.array([np.bincount(rows, minlength=images) for rows in chosen], dtype=np.int32))
    drawn = [
        records.metrics(
            np.array([np.bincount(rng.choice(rows, size), minlength=images) for _ in range(RESAMPLES)], dtype=np.int32)
        )
        for rows in chosen
    ]
    for name, values in estimates.items():
        target = float(values.mean())
        bare = around = 0
        for value, resampled in zip(values, drawn, strict=True):
            interval = interval_around(float(value), resampled[name])
            assert interval is not None
            bare += interval.low + interval.bias <= target <= interval.high + interval.bias
            around += interval.low <= target <= interval.high
        print(
            f"| {size} | {name} | {target:.3f} | {values.std():.4f} "
            f"| {np.mean([found[name].mean() for found in drawn]) - target:+.4f} "
            f"| {bare / SETS:.0%} | {around / SETS:.0%} |",
            flush=True,
        )


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "data", POPULATION, 60, lvis=False)
        found = commands.score(
            "detection",
            folder / "data" / "responses.jsonl",
            folder / "run",
            paths=DataPaths(folder / "data"),
            resamples=0,
        )
    records = found.measures.records
    assert records is not None
    print(
        "| images | metric | mean | standard deviation | bias of resamples | bare percentiles | around the estimate |"
    )
    print("|---|---|---|---|---|---|---|")
    for size in (80, 300, 1000):
        coverage(records, size)


if __name__ == "__main__":
    main()
