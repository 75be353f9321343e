"""Runs in MLflow, by its own client."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from vrft_eval.errors import shorten
from vrft_eval.export.runs import ExportedRun, Options, Output
from vrft_eval.export.samples import sample_table
from vrft_eval.export.tracked import PROJECT, missing, numbers, settings, shown

_REPORTS = ("run.json", "report.json", "report.md", "report.html")
_METRICS, _PARAMETERS = 1000, 100
"""What MLflow takes at a time."""
_VALUE = 6000
_NAME = re.compile(r"[^\w\-. /]")


def write(runs: Sequence[ExportedRun], options: Options) -> Output:
    """Log each run: settings as parameters, numbers as metrics, the samples as a table, the reports as artifacts.

    With `out` into a store of its own there (SQLite, and a folder of artifacts), else where MLFLOW_TRACKING_URI says.
    """
    import mlflow
    from mlflow.entities import Metric, Param

    folder = None if options.out is None else options.out.resolve()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    store = mlflow.MlflowClient(None if folder is None else f"sqlite:///{folder / 'mlflow.db'}")
    experiment = _experiment(store, folder)
    places = []
    for run in runs:
        logged = store.create_run(experiment, run_name=run.name).info.run_id
        now = store.get_run(logged).info.start_time
        metrics = (Metric(name, value, now, 0) for name, value in _named(numbers(run)).items())
        for batch in _batches(metrics, _METRICS):
            store.log_batch(logged, metrics=batch)
        parameters = (Param(name, shorten(str(value), _VALUE)) for name, value in _flat(settings(run)))
        for batch in _batches(parameters, _PARAMETERS):
            store.log_batch(logged, params=batch)
        if run.judged is not None:
            columns = sample_table([run]).to_pydict()
            store.log_table(logged, {name: [*map(shown, values)] for name, values in columns.items()}, "samples.json")
        for file in (run.path / name for name in _REPORTS):
            if file.exists():
                store.log_artifact(logged, str(file))
        store.set_terminated(logged)
        places.append(f"run {logged} of experiment {experiment} in {folder or mlflow.get_tracking_uri()}")
    return Output(places=places, notes=[note for run in runs for note in missing(run)])


def _experiment(store: Any, folder: Path | None) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
    found = store.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    return str(store.create_experiment(name, None if folder is None else (folder / "artifacts").as_uri()))


def _named(values: dict[str, float]) -> dict[str, float]:
    """The same under names that MLflow takes; two that become one are kept apart by a number."""
    named: dict[str, float] = {}
    for key, value in values.items():
        name = base = _NAME.sub("_", key)[:240]
        number = 2
        while name in named:
            name, number = f"{base} {number}", number + 1
        named[name] = value
    return named


def _flat(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield _NAME.sub("_", before + key)[:240], value


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
