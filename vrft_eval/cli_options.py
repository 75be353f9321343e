"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vrft_rewards import PROFILES

_Path = Path | None
Data = Annotated[_Path, typer.Option("--data", help="Folder of the data.")]
Annotations = Annotated[_Path, typer.Option(help="Annotation file, instead of the one in --data.")]
Images = Annotated[_Path, typer.Option(help="Folder of the images, instead of the one in --data.")]
Split = Annotated[str | None, typer.Option(help="Split of the data, as val or test; see `vrft-eval tasks TASK`.")]
Categories = Annotated[
    str | None, typer.Option(help="Categories asked and averaged: a file of names, or names with commas.")
]
Labels = Annotated[
    str | None, typer.Option(help="Class names in the order of their numbers: .txt, one a line, or .json.")
]
MissingOption = Annotated[
    str | None, typer.Option("--missing", help="Images that are not there: error (run, check) or skip.")
]
Out = Annotated[Path, typer.Option("--out", help="Run folder; the same command again continues it.")]
Space = Annotated[str, typer.Option(help="Coordinates of the answers: norm1000, norm1, pixels, pixels-resized.")]
EngineOption = Annotated[str, typer.Option("--engine", help="Computes detection metrics: hotcoco or pycocotools.")]
Resamples = Annotated[int, typer.Option(min=0, help="Bootstrap resamples for the intervals; 0 for none.")]
Profile = Annotated[str, typer.Option(help=f"Reward profile: {', '.join(PROFILES)}.")]
Sam = Annotated[str | None, typer.Option(help="SAM for masks: a folder, demo, or none (boxes are filled).")]
SamDtype = Annotated[str, typer.Option(help="Of the SAM: float32, bfloat16, float16.")]
SamMask = Annotated[str, typer.Option(help="Of the SAM: single (its one mask) or best (of three, as it judges).")]
SamDevice = Annotated[str, typer.Option("--device", help="Of the SAM: auto, cpu, cuda, cuda:1, ...")]
AgainstOption = Annotated[str | None, typer.Option("--against", help="Put the numbers beside published ones: paper.")]
GateOption = Annotated[
    str | None,
    typer.Option(
        "--gate",
        help="Categories asked of an image: none (all), truth, negatives, model (it is asked first), recorded (score), "
        "or the file of an exist map.",
    ),
]
Prompt = Annotated[_Path, typer.Option(help="A prompt of yours, instead of the task's.")]
New = Annotated[bool, typer.Option("--new", help="Start over: delete the files of the run in --out.")]
