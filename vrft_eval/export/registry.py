"""The formats that a run is exported to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from vrft_eval.data_paths import DataPaths
from vrft_eval.errors import InputError, choice
from vrft_eval.export import (
    latex,
    markdown,
    model_card,
    samples_csv,
    samples_parquet,
    to_mlflow,
    to_tensorboard,
    to_wandb,
)
from vrft_eval.export.runs import ExportedRun, Options, Output, judged_samples, load_runs
from vrft_eval.files import write_atomic


@dataclass(frozen=True)
class Format:
    """One format: who writes it, and whether it needs each sample, takes them where they can be had, or has none.

    client is what a tracker's users install themselves; needs_out says that nothing can go to standard output,
    and metrics that those shown can be chosen.
    """

    name: str
    what: str
    write: Callable[[Sequence[ExportedRun], Options], Output]
    samples: Literal["none", "taken", "needed"] = "none"
    client: str | None = None
    needs_out: bool = False
    metrics: bool = False


FORMATS = {
    found.name: found
    for found in (
        Format("markdown", "a table with a row a run", markdown.write, metrics=True),
        Format("latex", "the same with booktabs", latex.write, metrics=True),
        Format("csv", "a row a sample, for spreadsheets", samples_csv.write, "needed"),
        Format("parquet", "a row a sample, nothing cut", samples_parquet.write, "needed", needs_out=True),
        Format("model-card", "model-index for the Hugging Face Hub", model_card.write, metrics=True),
        Format("wandb", "Weights & Biases", to_wandb.write, "taken", "wandb"),
        Format("tensorboard", "TensorBoard event files", to_tensorboard.write, client="tensorboard", needs_out=True),
        Format("mlflow", "MLflow", to_mlflow.write, "taken", "mlflow"),
    )
}


def export(
    runs: Sequence[Path], to: str, options: Options, *, names: Sequence[str] = (), paths: DataPaths | None = None
) -> Output:
    """Export runs; content for a file is written to `out` where that is given.

    Raises InputError before anything is written: for an unknown format, a run without a report, data that a format
    needs and that can't be read, a client that isn't installed.
    """
    wanted = FORMATS[choice(to, FORMATS, "--to")]
    if wanted.client is not None and find_spec(wanted.client) is None:
        raise InputError(
            f"needs {wanted.client}, which isn't installed: pip install {wanted.client}", field=f"--to {to}"
        )
    if (options.metrics is not None or options.best) and not wanted.metrics:
        others = ", ".join(found.name for found in FORMATS.values() if found.metrics)
        raise InputError(f"is for {others}, not {to}", field="--best" if options.best else "--metrics")
    if wanted.needs_out and options.out is None:
        raise InputError(f"is missing: --to {to} writes files, so say where", field="--out")
    loaded = load_runs(runs, names, by_task=wanted.metrics)
    notes: list[str] = []
    if wanted.samples != "none":
        loaded = [_with_samples(run, wanted, paths or DataPaths(), notes) for run in loaded]
    made = wanted.write(loaded, options)
    if made.content is not None and options.out is not None:
        write_atomic(options.out, made.content)
        return Output(places=[str(options.out)], notes=[*notes, *made.notes])
    return Output(made.content, made.places, [*notes, *made.notes])


def _with_samples(run: ExportedRun, wanted: Format, paths: DataPaths, notes: list[str]) -> ExportedRun:
    try:
        judged = judged_samples(run.path, paths)
    except InputError as error:
        if wanted.samples == "needed":
            raise
        notes.append(f"{run.name}: no table of samples, since its data can't be read: {error}")
        return run
    return replace(run, judged=judged)
