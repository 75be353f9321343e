"""The command line: vrft-eval run | score | report | demo | tasks | check | plan | schema."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from vrft_eval import cli_data, cli_export, cli_plan, cli_score, cli_view, commands, console
from vrft_eval.cli_generation import (
    Address,
    Attention,
    BackendOption,
    BaseUrl,
    BatchSize,
    Concurrency,
    Constrain,
    Device,
    Dtype,
    GpuMemory,
    KeyVariable,
    Limit,
    Lora,
    MaxFailures,
    MaxModelLen,
    MaxNewTokens,
    MaxPixels,
    MinPixels,
    Model,
    ModelDefaults,
    Quiet,
    Retries,
    RetryFailed,
    Seed,
    Temperature,
    TensorParallel,
    Timeout,
    TokenBudget,
    Workers,
)
from vrft_eval.cli_group import EXIT_CODES, Group
from vrft_eval.cli_options import (
    AgainstOption,
    Annotations,
    AsJson,
    Categories,
    Data,
    Embed,
    EngineOption,
    GateOption,
    GatePrompt,
    Images,
    Labels,
    MissingOption,
    New,
    Out,
    Profile,
    Prompt,
    Resamples,
    Sam,
    SamDtype,
    SamMask,
    Space,
    Split,
    TaskNames,
)
from vrft_eval.commands import DataPaths, Generation, Server
from vrft_eval.progress import stages

app = typer.Typer(
    cls=Group,
    name="vrft-eval",
    help="Evaluate vision-language models on detection, classification and grounding, with the rewards they train on.",
    epilog=EXIT_CODES,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.print_line(f"vrft-eval {version('vrft')}")
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that come before a command."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
        raise typer.Exit(2)


@app.command()
def run(
    tasks: TaskNames,
    *,
    model: Model,
    backend: BackendOption = "auto",
    dtype: Dtype = "auto",
    min_pixels: MinPixels = None,
    max_pixels: MaxPixels = None,
    lora: Lora = None,
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
    max_new_tokens: MaxNewTokens = None,
    temperature: Temperature = 0.0,
    model_defaults: ModelDefaults = False,
    constrain: Constrain = None,
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
    profile: Profile = "default",
    space: Space = "norm1000",
    sam: Sam = None,
    sam_dtype: SamDtype = "float32",
    sam_mask: SamMask = "single",
    engine: EngineOption = "hotcoco",
    resamples: Resamples = commands.RESAMPLES,
    against: AgainstOption = None,
    out: Out,
    new: New = False,
    embed: Embed = False,
    retry_failed: RetryFailed = False,
    max_failures: MaxFailures = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
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
    shown = {spec.name: None if quiet else stages(spec.name) for spec in specs}
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
            embed=embed,
            retry_failed=retry_failed,
            stages=shown[spec.name],
        )
        for spec, folder in zip(specs, folders, strict=True)
    ]
    with closing(commands.SharedBackend(model, generation)) as shared:
        evaluated = [
            commands.carry_out(plan, shared.load, shown[spec.name], max_failures=max_failures)
            for spec, plan in zip(specs, plans, strict=True)
        ]
    console.print_finished([item.report for item in evaluated], folders, as_json=as_json)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder of the demo's runs.")] = Path("demo-run"),
    limit: Annotated[int, typer.Option(min=1, help="Images a task.")] = commands.GENERATED_IMAGES,
    as_json: AsJson = False,
) -> None:
    """Run the shipped model, before and after reinforcement fine-tuning, on the three shapes tasks."""
    from vrft_eval.demo_command import run_demo

    run_demo(out, limit, as_json=as_json)


app.command()(cli_score.score)
app.command()(cli_score.report)
app.command()(cli_data.tasks)
app.command()(cli_data.check)
app.command()(cli_plan.plan)
app.command()(cli_data.compare)
app.command()(cli_view.view)
app.command()(cli_export.export)


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
    app(prog_name="vrft-eval")
