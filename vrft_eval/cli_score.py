"""The commands that need no model: vrft-eval score | report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vrft_eval import commands, console
from vrft_eval.cli_options import (
    AgainstOption,
    Annotations,
    Categories,
    Data,
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
    Sam,
    SamDevice,
    SamDtype,
    SamMask,
    Space,
    Split,
)
from vrft_eval.commands import DataPaths


def score(
    task: Annotated[str, typer.Argument(help="See `vrft-eval tasks`.")],
    responses: Annotated[Path, typer.Option(help="JSON Lines of {id, completion}.")],
    out: Out,
    data: Data = None,
    annotations: Annotations = None,
    images: Images = None,
    split: Split = None,
    categories: Categories = None,
    labels: Labels = None,
    missing: MissingOption = None,
    prompt: Prompt = None,
    gate: GateOption = None,
    space: Space = "norm1000",
    sam: Sam = None,
    sam_dtype: SamDtype = "float32",
    sam_mask: SamMask = "single",
    device: SamDevice = "auto",
    profile: Profile = "default",
    engine: EngineOption = "hotcoco",
    resamples: Resamples = commands.RESAMPLES,
    against: AgainstOption = None,
    new: New = False,
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
    )
    console.print_finished([evaluated.report], [out])


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    data: Data = None,
    annotations: Annotations = None,
    images: Images = None,
    space: Annotated[str | None, typer.Option(help="Read the answers in another space.")] = None,
    sam: Sam = None,
    sam_dtype: Annotated[str | None, typer.Option(help="Make the masks with another dtype.")] = None,
    sam_mask: Annotated[str | None, typer.Option(help="Take another mask of the SAM: single or best.")] = None,
    device: SamDevice = "auto",
    profile: Annotated[str | None, typer.Option(help="Pay the answers by another profile.")] = None,
    against: AgainstOption = None,
    engine: Annotated[str | None, typer.Option(help="Compute detection metrics with another engine.")] = None,
    resamples: Annotated[int | None, typer.Option(min=0, help="Another number of bootstrap resamples.")] = None,
) -> None:
    """Make a run's reports again."""
    paths = DataPaths(data, annotations, images)
    evaluated = commands.report(
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
    console.print_finished([evaluated.report], [run])
