"""A run as a Weights & Biases run, by W&B's own client."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vrft_eval.export.runs import ExportedRun, Options, Output
from vrft_eval.export.samples import sample_table
from vrft_eval.export.tracked import PROJECT, missing, numbers, settings, shown


def write(runs: Sequence[ExportedRun], options: Options) -> Output:
    """Log each run: settings as config, numbers, the samples as a table. With `out` nothing leaves this machine."""
    import wandb

    folder, places = options.out, []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    for run in runs:
        with wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run.name,
            job_type="evaluation",
            config=settings(run),
            dir=folder,
            mode=None if folder is None else "offline",
            settings=wandb.Settings(silent=True, console="off"),
        ) as logged:
            tables = {}
            if run.judged is not None:
                samples = sample_table([run])
                rows = [[shown(value) for value in row.values()] for row in samples.to_pylist()]
                tables["samples"] = wandb.Table(columns=samples.column_names, data=rows)
            logged.log({**numbers(run), **tables})
            kept = str(Path(logged.dir).parent)
            places.append(kept if folder is not None else logged.url or kept)
    return Output(places=places, notes=[note for run in runs for note in missing(run)])
