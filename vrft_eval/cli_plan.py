"""`vrft-eval plan`: how much a run would ask, and how long that takes at a measured rate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from vrft_eval import cli_complete, commands, console
from vrft_eval.cli_generation import Limit, MaxPixels, MinPixels, Seed
from vrft_eval.cli_options import (
    MODEL,
    Annotations,
    AsJson,
    Categories,
    Data,
    GateOption,
    GatePrompt,
    Images,
    Labels,
    MissingOption,
    Prompt,
    Split,
    TaskNames,
)
from vrft_eval.data_paths import DataPaths
from vrft_eval.errors import InputError
from vrft_eval.gate.choose import choose_gate
from vrft_eval.planned import PlannedRun, PlannedTime, summarise
from vrft_eval.planning import Pace, TokenCount, measured_pace, plan_stages

_COST = "Time and cost"
_NO_RATE = (
    "How long that takes is not known before it is measured: make a run of it with --limit 100, on the machine and "
    "with the backend that you mean to use, and name its folder with --measured; or give --rate."
)


def plan(
    tasks: TaskNames,
    data: Data = None,
    annotations: Annotations = None,
    images: Images = None,
    split: Split = None,
    categories: Categories = None,
    labels: Labels = None,
    missing: MissingOption = None,
    limit: Limit = None,
    seed: Seed = 0,
    gate: GateOption = None,
    gate_prompt: GatePrompt = None,
    prompt: Prompt = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Whose tokens are counted: as in `run`.", rich_help_panel=MODEL, autocompletion=cli_complete.models
        ),
    ] = None,
    min_pixels: MinPixels = None,
    max_pixels: MaxPixels = None,
    measured: Annotated[
        Path | None,
        typer.Option(
            help="A run made by one worker: its rate, and the mean length of its answers.", rich_help_panel=_COST
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(help="Prompts a second of one worker, instead of --measured.", rich_help_panel=_COST),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Engines side by side.", rich_help_panel=_COST)] = 1,
    price: Annotated[
        float | None,
        typer.Option(min=0, help="Of an hour of one worker (its GPU, or GPUs).", rich_help_panel=_COST),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count what a run would ask, before it: prompts, tokens, and from a measured rate hours and cost."""
    pace = _pace(measured, rate)
    specs = commands.check_distinct(tasks)
    paths = DataPaths(data, annotations, images, split, categories, labels, missing)
    choice = choose_gate(gate, gate_prompt)
    if choice is not None and choice.name == "recorded":
        raise InputError("is for recorded answers only", field="--gate", value=gate)
    tokens = None if model is None else TokenCount(model, min_pixels, max_pixels)
    stages = [
        stage
        for spec in specs
        for stage in plan_stages(
            spec,
            paths if len(specs) == 1 else paths.suited(spec),
            gate=choice if spec.kind == "detection" or len(specs) == 1 else None,
            prompt=prompt,
            limit=limit,
            seed=seed,
            tokens=tokens,
        )
    ]
    found = summarise(stages, pace, workers, price)
    if as_json:
        console.print_json(found.model_dump(mode="json"))
    else:
        _print(found)


def _pace(measured: Path | None, rate: float | None) -> Pace | None:
    if measured is not None and rate is not None:
        raise InputError("can't be given with --measured", field="--rate", value=rate)
    if rate is None:
        return None if measured is None else measured_pace(measured)
    # NaN and infinity are numbers to a command line.
    if not 0 < rate < 1e9:
        raise InputError("must be above 0", field="--rate", value=rate)
    return Pace(rate, None, "given")


def _print(found: PlannedRun) -> None:
    table = Table(header_style="bold")
    for head in ("task", "stage"):
        table.add_column(head, overflow="fold")
    for head in ("images", "prompts", "prompt tokens", "answer tokens"):
        table.add_column(head, justify="right")

    def row(task: str, name: str, images: int | None, *counts: int | None) -> None:
        shown = ("" if images is None else f"{images:,}", *("-" if value is None else f"{value:,}" for value in counts))
        table.add_row(task, name, *shown)

    for stage in found.stages:
        row(stage.task, stage.stage, stage.images, stage.prompts, stage.prompt_tokens, stage.answer_tokens)
    if len(found.stages) > 1:
        table.add_section()
        row("all", "", None, found.prompts, found.prompt_tokens, found.answer_tokens)
    console.out.print(table)
    for stage in found.stages:
        if stage.note is not None:
            console.out.print(Text(f"{stage.task}, {stage.stage}: {stage.note}.", "dim"))
    if found.time is None:
        console.print_line(_NO_RATE)
    else:
        _print_time(found.time)


def _print_time(time: PlannedTime) -> None:
    console.print_line(f"rate: {time.rate:.4g} prompts a second of one worker ({time.source})")
    many = f" with {time.workers} workers, {_span(time.worker_hours)} of one" if time.workers > 1 else ""
    console.print_line(f"time: {_span(time.hours)}{many}; loading the model is not in it")
    if time.cost is not None:
        console.print_line(f"cost: {time.cost:,.2f} at {time.price:g} for an hour of a worker")


def _span(hours: float) -> str:
    if hours >= 1:
        return f"{hours:,.2f} hours"
    return f"{hours * 60:.1f} minutes" if hours >= 1 / 60 else f"{hours * 3600:.1f} seconds"
