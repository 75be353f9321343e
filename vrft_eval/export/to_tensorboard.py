"""Runs as TensorBoard event files, by PyTorch's own writer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from vrft_eval.export.runs import ExportedRun, Options, Output
from vrft_eval.export.tracked import missing, numbers, settings
from vrft_eval.report.markdown import render_markdown


def write(runs: Sequence[ExportedRun], options: Options) -> Output:
    """One folder of events a run under `out`: scalars, intervals as margins, the report and the settings as texts."""
    from torch.utils.tensorboard import SummaryWriter

    places, notes = [], []
    for run in runs:
        folder = _new(options.out or Path(), folder_name(run.name))
        values = numbers(run)
        margins = {name: ["Margin", [name, f"{name}/low", f"{name}/high"]] for name in run.report.intervals}
        with SummaryWriter(log_dir=str(folder)) as log:
            for name, value in values.items():
                log.add_scalar(name, value, 0)
            if margins:
                log.add_custom_scalars({"intervals": margins})
            log.add_text("report", render_markdown(run.report), 0)
            log.add_text("settings", "    " + json.dumps(settings(run), indent=2).replace("\n", "\n    "), 0)
        places.append(str(folder))
        notes += [*missing(run), f"{run.name}: TensorBoard has no tables, so its samples are left out."]
    return Output(places=places, notes=notes)


def _new(root: Path, name: str) -> Path:
    # Events of two runs in one folder are one run to TensorBoard, also those of an earlier export.
    folder, number = root / name, 2
    while folder.exists():
        folder, number = root / f"{name} {number}", number + 1
    return folder


def folder_name(name: str) -> str:
    """A name as one folder's name of at most 240 bytes, wherever it comes from.

    >>> folder_name("../a model (b)")
    'a-model-b'
    """
    return re.sub(r"[^\w.]+", "-", name)[:60].strip(".-") or "run"
