"""The options that several commands share, in panels by what they are about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vrft_eval import cli_complete
from vrft_eval.cli_complete import names
from vrft_rewards import PROFILES

MODEL = "Model"
DATA = "Data"
SCORING = "Scoring"
OUTPUT = "Output"

_Path = Path | None
_TASKS = "See `vrft-eval tasks`."
TaskName = Annotated[str, typer.Argument(help=_TASKS, metavar="TASK", autocompletion=cli_complete.tasks)]
TaskNames = Annotated[list[str], typer.Argument(help=_TASKS, metavar="TASK...", autocompletion=cli_complete.tasks)]
RunFolderPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]

Data = Annotated[_Path, typer.Option("--data", help="Folder of the data.", rich_help_panel=DATA)]
Annotations = Annotated[
    _Path, typer.Option(help="Annotation file, instead of the one in --data.", rich_help_panel=DATA)
]
Images = Annotated[
    _Path, typer.Option(help="Folder of the images, instead of the one in --data.", rich_help_panel=DATA)
]
Split = Annotated[
    str | None,
    typer.Option(help="Split of the data, as val or test; see `vrft-eval tasks TASK`.", rich_help_panel=DATA),
]
Categories = Annotated[
    str | None,
    typer.Option(help="Categories asked and averaged: a file of names, or names with commas.", rich_help_panel=DATA),
]
Labels = Annotated[
    str | None,
    typer.Option(help="Class names in the order of their numbers: .txt, one a line, or .json.", rich_help_panel=DATA),
]
MissingOption = Annotated[
    str | None,
    typer.Option(
        "--missing",
        help="Images that are not there: error (run, check) or skip.",
        rich_help_panel=DATA,
        autocompletion=names(("error", "skip")),
    ),
]
GateOption = Annotated[
    str | None,
    typer.Option(
        "--gate",
        help="Categories asked of an image: none (all), truth, negatives, model (it is asked first), recorded (score), "
        "or the file of an exist map.",
        rich_help_panel=DATA,
        autocompletion=names(("none", "truth", "negatives", "model", "recorded")),
    ),
]
GatePrompt = Annotated[
    str | None,
    typer.Option(help="Question of --gate model: gate, gate-list, or a file of yours.", rich_help_panel=DATA),
]
Prompt = Annotated[_Path, typer.Option(help="A prompt of yours, instead of the task's.", rich_help_panel=DATA)]

Profile = Annotated[
    str,
    typer.Option(
        help=f"Reward profile: {', '.join(PROFILES)}.", rich_help_panel=SCORING, autocompletion=names(PROFILES)
    ),
]
Space = Annotated[
    str,
    typer.Option(
        help="Coordinates of the answers: norm1000, norm1, pixels, pixels-resized.",
        rich_help_panel=SCORING,
        autocompletion=names(("norm1000", "norm1", "pixels", "pixels-resized")),
    ),
]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        help="Computes detection metrics: hotcoco or pycocotools.",
        rich_help_panel=SCORING,
        autocompletion=names(("hotcoco", "pycocotools")),
    ),
]
Resamples = Annotated[
    int, typer.Option(min=0, help="Bootstrap resamples for the intervals; 0 for none.", rich_help_panel=SCORING)
]
Sam = Annotated[
    str | None,
    typer.Option(
        help="SAM for masks: a folder, demo, or none (boxes are filled).",
        rich_help_panel=SCORING,
        autocompletion=names(("demo", "none")),
    ),
]
SamDtype = Annotated[
    str,
    typer.Option(
        help="Of the SAM: float32, bfloat16, float16.",
        rich_help_panel=SCORING,
        autocompletion=names(("float32", "bfloat16", "float16")),
    ),
]
SamMask = Annotated[
    str,
    typer.Option(
        help="Of the SAM: single (its one mask) or best (of three, as it judges).",
        rich_help_panel=SCORING,
        autocompletion=names(("single", "best")),
    ),
]
SamDevice = Annotated[
    str, typer.Option("--device", help="Of the SAM: auto, cpu, cuda, cuda:1, ...", rich_help_panel=SCORING)
]
AgainstOption = Annotated[
    str | None,
    typer.Option(
        "--against",
        help="Put the numbers beside published ones: paper.",
        rich_help_panel=SCORING,
        autocompletion=names(["paper"]),
    ),
]

Out = Annotated[
    Path, typer.Option("--out", help="Run folder; the same command again continues it.", rich_help_panel=OUTPUT)
]
New = Annotated[
    bool, typer.Option("--new", help="Start over: delete the files of the run in --out.", rich_help_panel=OUTPUT)
]
Embed = Annotated[
    bool,
    typer.Option("--embed", help="Put every image into report.html, so that it can be sent.", rich_help_panel=OUTPUT),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, and nothing else on standard output.", rich_help_panel=OUTPUT)
]
