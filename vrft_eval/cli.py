"""The command line: vrft-eval run | score | report | demo | tasks | check | schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vrft_eval import cli_data, commands, console
from vrft_eval.backends.registry import BACKENDS
from vrft_eval.cli_generation import (
    Address,
    Attention,
    BaseUrl,
    BatchSize,
    Concurrency,
    Constrain,
    Device,
    Dtype,
    GpuMemory,
    KeyVariable,
    Lora,
    MaxModelLen,
    MaxNewTokens,
    MaxPixels,
    MinPixels,
    ModelDefaults,
    Retries,
    Temperature,
    TensorParallel,
    Timeout,
    TokenBudget,
    Workers,
)
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
from vrft_eval.commands import DataPaths, Generation, Server
from vrft_eval.evaluation import Evaluated


class _Group(TyperGroup):
    """Turns what the user got wrong into one line and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. (The context is Click's, or that of the Click inside newer Typers.)"""
        try:
            return super().invoke(ctx)
        except (ValueError, OSError) as error:
            console.print_error(str(error))
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=_Group,
    name="vrft-eval",
    help="Evaluate vision-language models on detection, classification and grounding, with the rewards they train on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.print_line(f"vrft-eval {version('vrft')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that come before a command."""


def _finished(evaluated: list[Evaluated], folders: list[Path]) -> None:
    console.print_reports([item.report for item in evaluated])
    for folder in folders:
        console.print_line(f"report: {folder / 'report.html'}")


@app.command()
def run(
    tasks: Annotated[list[str], typer.Argument(metavar="TASK...", help="See `vrft-eval tasks`.")],
    model: Annotated[str, typer.Option(help="Model folder, Hugging Face name, demo or demo:sft.")],
    out: Out,
    data: Data = None,
    annotations: Annotations = None,
    images: Images = None,
    split: Split = None,
    categories: Categories = None,
    labels: Labels = None,
    missing: MissingOption = None,
    backend: Annotated[
        str, typer.Option(help="Who answers: auto (vllm with a GPU, else transformers), " + ", ".join(BACKENDS) + ".")
    ] = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Images drawn, or generated (100).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw, generated data, sampled answers.")] = 0,
    gate: GateOption = None,
    gate_prompt: Annotated[
        str | None, typer.Option(help="Question of --gate model: gate, gate-list, or a file of yours.")
    ] = None,
    space: Space = "norm1000",
    max_new_tokens: MaxNewTokens = None,
    temperature: Temperature = 0.0,
    model_defaults: ModelDefaults = False,
    constrain: Constrain = None,
    dtype: Dtype = "auto",
    min_pixels: MinPixels = None,
    max_pixels: MaxPixels = None,
    lora: Lora = None,
    device: Device = "auto",
    batch_size: BatchSize = None,
    attention: Attention = None,
    workers: Workers = 1,
    tensor_parallel: TensorParallel = 1,
    max_model_len: MaxModelLen = None,
    gpu_memory: GpuMemory = 0.9,
    address: Address = None,
    base_url: BaseUrl = None,
    key_variable: KeyVariable = "OPENAI_API_KEY",
    concurrency: Concurrency = 16,
    timeout: Timeout = 120.0,
    retries: Retries = 5,
    token_budget: TokenBudget = None,
    sam: Sam = None,
    sam_dtype: SamDtype = "float32",
    sam_mask: SamMask = "single",
    profile: Profile = "default",
    engine: EngineOption = "hotcoco",
    resamples: Resamples = commands.RESAMPLES,
    against: AgainstOption = None,
    prompt: Prompt = None,
    new: New = False,
) -> None:
    """Ask a model, score its answers, write the reports."""
    specs = commands.check_distinct(tasks)
    paths = DataPaths(data, annotations, images, split, categories, labels, missing)
    generation = Generation(
        backend=backend,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        model_defaults=model_defaults,
        constrain=constrain,  # type: ignore[arg-type]
        dtype=dtype,
        min_pixels=min_pixels,
        max_pixels=max_pixels,
        lora=lora,
        batch_size=batch_size,
        device=device,
        attention=attention,
        workers=workers,
        tensor_parallel=tensor_parallel,
        max_model_len=max_model_len,
        gpu_memory=gpu_memory,
        address=address,
        server=Server(base_url, key_variable, concurrency, timeout, retries, token_budget),
    )
    folders = [out / spec.name if len(specs) > 1 else out for spec in specs]
    plans = [
        commands.plan_run(
            spec,
            model,
            folder,
            paths=paths if len(specs) == 1 else paths.suited(spec),
            generation=generation,
            reading=commands.make_reading(
                spec,
                space,
                profile,
                sam,
                device,
                engine,
                resamples,
                sam_dtype=sam_dtype,
                sam_mask=sam_mask,
                against=against,
            ),
            limit=limit,
            seed=seed,
            gate=gate if spec.kind == "detection" or len(specs) == 1 else None,
            gate_prompt=gate_prompt if spec.kind == "detection" or len(specs) == 1 else None,
            prompt=prompt,
            new=new,
            stages=console.stages(spec.name),
        )
        for spec, folder in zip(specs, folders, strict=True)
    ]
    shared = commands.SharedBackend(model, generation)
    try:
        evaluated = [
            commands.carry_out(plan, shared.load, console.stages(spec.name))
            for spec, plan in zip(specs, plans, strict=True)
        ]
    finally:
        shared.close()
    _finished(evaluated, folders)


@app.command()
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
    _finished([evaluated], [out])


@app.command()
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
    _finished([evaluated], [run])


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder of the demo's runs.")] = Path("demo-run"),
    limit: Annotated[int, typer.Option(min=1, help="Images a task.")] = commands.GENERATED_IMAGES,
) -> None:
    """Run the shipped model, before and after reinforcement fine-tuning, on the three shapes tasks."""
    from vrft_eval.demo_command import run_demo

    run_demo(out, limit)


app.command()(cli_data.tasks)
app.command()(cli_data.check)
app.command()(cli_data.compare)


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option("--out", help="Write the schemas there, not to standard output.")] = None,
) -> None:
    """Write the JSON Schemas of the files that a run folder holds."""
    from vrft_eval.files import dump_json, write_atomic
    from vrft_eval.schemas import json_schemas

    if out is None:
        typer.echo(dump_json(json_schemas()), nl=False)
        return
    for name, content in json_schemas().items():
        write_atomic(out / name, dump_json(content))
    console.print_line(f"schemas: {out}")


def main() -> None:
    """Entry point of `vrft-eval`."""
    app()
