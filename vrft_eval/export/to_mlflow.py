"""Runs in MLflow, by its own client."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from vrft_eval.errors import InputError, shorten
from vrft_eval.export.runs import ExportedRun, Options, Output
from vrft_eval.export.samples import sample_table
from vrft_eval.export.tracked import PROJECT, missing, numbers, settings, shown

_REPORTS = ("run.json", "report.json", "report.md", "report.html")
_METRICS, _PARAMETERS = 1000, 100
"""What MLflow takes at a time."""
_VALUE = 6000
_NAME, _NO_PART = re.compile(r"[^\w\-. /]"), re.compile(r"(?<![^/])(?=[./]|$)")
"""What no name may hold, and where a part of a path begins that is empty, hidden or another folder."""
Value = TypeVar("Value")


def write(runs: Sequence[ExportedRun], options: Options) -> Output:
    """Log each run: settings as parameters, numbers as metrics, the samples as a table, the reports as artifacts.

    With `out` into a store of its own there (SQLite, and a folder of artifacts), else where MLFLOW_TRACKING_URI says.
    Raises InputError where the store refuses; the run that it refused is ended as failed.
    """
    import mlflow

    folder = None if options.out is None else options.out.resolve()
    places = []
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        store = mlflow.MlflowClient(None if folder is None else f"sqlite:///{folder / 'mlflow.db'}")
        experiment = _experiment(store, folder)
        for run in runs:
            logged = store.create_run(experiment, run_name=run.name).info.run_id
            with _ended(store, logged):
                _log(store, logged, run)
            places.append(f"run {logged} of experiment {experiment} in {folder or mlflow.get_tracking_uri()}")
    except (mlflow.MlflowException, OSError) as error:
        kept = f"; logged before: {', '.join(places)}" if places else ""
        raise InputError(f"MLflow refused: {' '.join(str(error).split())}{kept}", field="--to mlflow") from error
    return Output(places=places, notes=[note for run in runs for note in missing(run)])


@contextmanager
def _ended(store: Any, logged: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        # The first error is the one to tell, and a store that is gone raises here once more.
        with suppress(Exception):
            store.set_terminated(logged, "FAILED")
        raise
    store.set_terminated(logged)


def _log(store: Any, logged: str, run: ExportedRun) -> None:
    from mlflow.entities import Metric, Param

    now = store.get_run(logged).info.start_time
    metrics = (Metric(name, value, now, 0) for name, value in _named(numbers(run).items()).items())
    for batch in _batches(metrics, _METRICS):
        store.log_batch(logged, metrics=batch)
    parameters = (Param(name, shorten(str(value), _VALUE)) for name, value in _named(_flat(settings(run))).items())
    for batch in _batches(parameters, _PARAMETERS):
        store.log_batch(logged, params=batch)
    if run.judged is not None:
        columns = sample_table([run]).to_pydict()
        store.log_table(logged, {name: [*map(shown, values)] for name, values in columns.items()}, "samples.json")
    for file in (run.path / name for name in _REPORTS):
        if file.exists():
            store.log_artifact(logged, str(file))


def _experiment(store: Any, folder: Path | None) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
    found = store.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    return str(store.create_experiment(name, None if folder is None else (folder / "artifacts").as_uri()))


def _named(values: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """The same under names that MLflow takes: normal paths; two that become one are kept apart by a number."""
    named: dict[str, Value] = {}
    for key, value in values:
        name = base = _NO_PART.sub("_", _NAME.sub("_", key)[:240])[:240].rstrip("/")
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
            yield before + key, value


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
