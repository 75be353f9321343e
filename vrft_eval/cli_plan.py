"""`vrft-eval plan`: how much a run would ask, and how long that takes at a measured rate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from vrft_eval import commands, console
from vrft_eval.cli_generation import MaxPixels, MinPixels
from vrft_eval.cli_options import (
    Annotations,
    Categories,
    Data,
    GateOption,
    Images,
    Labels,
    MissingOption,
    Prompt,
    Split,
)
from vrft_eval.data_paths import DataPaths
from vrft_eval.errors import InputError
from vrft_eval.gate.choose import choose_gate
from vrft_eval.planning import Pace, Stage, TokenCount, estimate, measured_pace, plan_stages

_NO_RATE = (
    "How long that takes is not known before it is measured: make a run of it with --limit 100, on the machine and "
    "with the backend that you mean to use, and name its folder with --measured; or give --rate."
)


def plan(
    tasks: Annotated[list[str], typer.Argument(metavar="TASK...", help="See `vrft-eval tasks`.")],
    data: Data = None,
    annotations: Annotations = None,
    images: Images = None,
    split: Split = None,
    categories: Categories = None,
    labels: Labels = None,
    missing: MissingOption = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Images drawn.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw.")] = 0,
    gate: GateOption = None,
    gate_prompt: Annotated[str | None, typer.Option(help="Question of --gate model, as in `run`.")] = None,
    prompt: Prompt = None,
    model: Annotated[str | None, typer.Option(help="Whose tokens are counted: as in `run`.")] = None,
    min_pixels: MinPixels = None,
    max_pixels: MaxPixels = None,
    measured: Annotated[
        Path | None, typer.Option(help="A run made by one worker: its rate, and the mean length of its answers.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Prompts a second of one worker, instead of --measured.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Engines side by side.")] = 1,
    price: Annotated[float | None, typer.Option(min=0, help="Of an hour of one worker (its GPU, or GPUs).")] = None,
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
    _print(stages, pace)
    if pace is None:
        console.print_line(_NO_RATE)
        return
    _print_estimate(sum(stage.prompts for stage in stages), pace, workers, price)


def _pace(measured: Path | None, rate: float | None) -> Pace | None:
    if measured is not None and rate is not None:
        raise InputError("can't be given with --measured", field="--rate", value=rate)
    if rate is None:
        return None if measured is None else measured_pace(measured)
    # NaN and infinity are numbers to a command line.
    if not 0 < rate < 1e9:
        raise InputError("must be above 0", field="--rate", value=rate)
    return Pace(rate, None, "given")


def _print(stages: Sequence[Stage], pace: Pace | None) -> None:
    table = Table(header_style="bold")
    for head in ("task", "stage"):
        table.add_column(head)
    for head in ("images", "prompts", "prompt tokens", "answer tokens"):
        table.add_column(head, justify="right")
    length = None if pace is None else pace.answer_tokens

    def row(task: str, name: str, images: str, prompts: int, of_prompts: int | None) -> None:
        answers = None if length is None else round(prompts * length)
        numbers = (f"{prompts:,}", *("-" if value is None else f"{value:,}" for value in (of_prompts, answers)))
        table.add_row(task, name, images, *numbers)

    for stage in stages:
        row(stage.task, stage.name, f"{stage.images:,}", stage.prompts, stage.prompt_tokens)
    if len(stages) > 1:
        table.add_section()
        counted = [stage.prompt_tokens for stage in stages if stage.prompt_tokens is not None]
        row("all", "", "", sum(stage.prompts for stage in stages), sum(counted) if counted else None)
    console.out.print(table)
    for stage in stages:
        if stage.note is not None:
            console.out.print(Text(f"{stage.task}, {stage.name}: {stage.note}.", "dim"))


def _print_estimate(prompts: int, pace: Pace, workers: int, price: float | None) -> None:
    found = estimate(prompts, pace, workers)
    console.print_line(f"rate: {pace.rate:.4g} prompts a second of one worker ({pace.source})")
    many = f" with {workers} workers, {found.worker_hours:,.2f} hours of one" if workers > 1 else ""
    console.print_line(f"time: {found.hours:,.2f} hours{many}; loading the model is not in it")
    if price is not None:
        console.print_line(f"cost: {found.worker_hours * price:,.2f} at {price:g} for an hour of a worker")
