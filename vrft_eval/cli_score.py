"""The commands that need no model: vrft-eval score | report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vrft_eval import commands, console
from vrft_eval.cli_options import (
    DATA,
    SCORING,
    AgainstOption,
    Annotations,
    AsJson,
    Categories,
    Data,
    Embed,
    EngineOption,
    GateOption,
    Images,
    Labels,
    MissingOption,
    New,
    Out,
    Profile,
    Prompt,
    Resamples,
    RunFolderPath,
    Sam,
    SamDevice,
    SamDtype,
    SamMask,
    Space,
    Split,
    TaskName,
)
from vrft_eval.commands import DataPaths


def score(
    task: TaskName,
    *,
    responses: Annotated[Path, typer.Option(help="JSON Lines of {id, completion}.", rich_help_panel=DATA)],
    data: Data = None,
    annotations: Annotations = None,
    images: Images = None,
    split: Split = None,
    categories: Categories = None,
    labels: Labels = None,
    missing: MissingOption = None,
    gate: GateOption = None,
    prompt: Prompt = None,
    profile: Profile = "default",
    space: Space = "norm1000",
    sam: Sam = None,
    sam_dtype: SamDtype = "float32",
    sam_mask: SamMask = "single",
    device: SamDevice = "auto",
    engine: EngineOption = "hotcoco",
    resamples: Resamples = commands.RESAMPLES,
    against: AgainstOption = None,
    out: Out,
    new: New = False,
    embed: Embed = False,
    as_json: AsJson = False,
) -> None:
    """Score recorded answers: no model, and no image files, are needed."""
    evaluated = commands.score(
        task,
        responses,
        out,
        paths=DataPaths(data, annotations, images, split, categories, labels, missing),
        prompt=prompt,
        space=space,
        profile=profile,
        engine=engine,
        resamples=resamples,
        sam=sam or "none",
        sam_dtype=sam_dtype,
        sam_mask=sam_mask,
        device=device,
        against=against,
        gate=gate,
        new=new,
        embed=embed,
    )
    console.print_finished([evaluated.report], [out], as_json=as_json)


def report(
    run: RunFolderPath,
    data: Data = None,
    annotations: Annotations = None,
    images: Images = None,
    space: Annotated[
        str | None, typer.Option(help="Read the answers in another space.", rich_help_panel=SCORING)
    ] = None,
    sam: Sam = None,
    sam_dtype: Annotated[
        str | None, typer.Option(help="Make the masks with another dtype.", rich_help_panel=SCORING)
    ] = None,
    sam_mask: Annotated[
        str | None, typer.Option(help="Take another mask of the SAM: single or best.", rich_help_panel=SCORING)
    ] = None,
    device: SamDevice = "auto",
    profile: Annotated[
        str | None, typer.Option(help="Pay the answers by another profile.", rich_help_panel=SCORING)
    ] = None,
    against: AgainstOption = None,
    engine: Annotated[
        str | None, typer.Option(help="Compute detection metrics with another engine.", rich_help_panel=SCORING)
    ] = None,
    resamples: Annotated[
        int | None, typer.Option(min=0, help="Another number of bootstrap resamples.", rich_help_panel=SCORING)
    ] = None,
    embed: Embed = False,
    as_json: AsJson = False,
) -> None:
    """Make a run's reports again."""
    paths = DataPaths(data, annotations, images)
    planned = commands.planned_again(
        run,
        paths=paths,
        space=space,
        profile=profile,
        sam=sam,
        sam_dtype=sam_dtype,
        sam_mask=sam_mask,
        device=device,
        against=against,
        engine=engine,
        resamples=resamples,
    )
    planned.embed = embed
    evaluated = planned.settle()
    console.print_finished([evaluated.report], [run], as_json=as_json)
