"""The command line: vrft-eval run | score | report | demo | tasks | check | plan | schema."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vrft_eval import cli_data, cli_export, cli_plan, cli_score, cli_view, commands, console
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
    SamDtype,
    SamMask,
    Space,
    Split,
)
from vrft_eval.commands import DataPaths, Generation, Server
from vrft_eval.errors import RunStopped
from vrft_eval.interrupts import interruptible, stopped_by
from vrft_eval.progress import stages


class _Group(TyperGroup):
    """Turns what the user got wrong into one line and exit code 2; a run that was stopped, into its line and code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. (The context is Click's, or that of the Click inside newer Typers.)"""
        try:
            with interruptible():
                return super().invoke(ctx)
        except (ValueError, OSError) as error:
            console.print_error(str(error))
            raise typer.Exit(2) from None
        except (RunStopped, KeyboardInterrupt) as ended:
            stopped = ended if isinstance(ended, RunStopped) else stopped_by(ended)
            console.print_error(str(stopped))
            raise typer.Exit(stopped.code) from None


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
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask again what failed before.")] = False,
    max_failures: Annotated[int | None, typer.Option(min=1, help="Stop when so many prompts have failed.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress: only the table at the end.")] = False,
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
    console.print_finished([item.report for item in evaluated], folders)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder of the demo's runs.")] = Path("demo-run"),
    limit: Annotated[int, typer.Option(min=1, help="Images a task.")] = commands.GENERATED_IMAGES,
) -> None:
    """Run the shipped model, before and after reinforcement fine-tuning, on the three shapes tasks."""
    from vrft_eval.demo_command import run_demo

    run_demo(out, limit)


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
    app()
