"""The options of `vrft-eval run` about who answers and how."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vrft_eval import cli_complete
from vrft_eval.backends.protocol import MAX_TEMPERATURE
from vrft_eval.backends.registry import BACKENDS
from vrft_eval.cli_options import DATA, MODEL, OUTPUT

_ANSWERS = "Generation"
_SPEED = "Hardware and speed"
_SERVER = "Server (--backend openai)"

Model = Annotated[
    str,
    typer.Option(
        help="Model folder, Hugging Face name, demo or demo:sft.",
        rich_help_panel=MODEL,
        autocompletion=cli_complete.models,
    ),
]
BackendOption = Annotated[
    str,
    typer.Option(
        "--backend",
        help="Who answers: auto (vllm with a GPU, else transformers), " + ", ".join(BACKENDS) + ".",
        rich_help_panel=MODEL,
        autocompletion=cli_complete.backends,
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Images drawn, or generated (100).", rich_help_panel=DATA)]
Seed = Annotated[
    int, typer.Option(min=0, help="Seed of the draw, generated data, sampled answers.", rich_help_panel=DATA)
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Ask again what failed before.", rich_help_panel=OUTPUT)
]
MaxFailures = Annotated[
    int | None, typer.Option(min=1, help="Stop when so many prompts have failed.", rich_help_panel=OUTPUT)
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress: only the table at the end.", rich_help_panel=OUTPUT),
]

MaxNewTokens = Annotated[int | None, typer.Option(min=1, help="1024; 256 for shapes-*.", rich_help_panel=_ANSWERS)]
Temperature = Annotated[
    float,
    typer.Option(min=0, max=MAX_TEMPERATURE, help="0: greedy; above: drawn by --seed.", rich_help_panel=_ANSWERS),
]
ModelDefaults = Annotated[
    bool,
    typer.Option("--model-defaults", help="Draw as the model's generation_config.json says.", rich_help_panel=_ANSWERS),
]
Constrain = Annotated[
    str | None,
    typer.Option(
        help="Force the answer's form: regex (the tagged response) or json (a bare answer). Changes scores.",
        rich_help_panel=_ANSWERS,
        autocompletion=cli_complete.names(("regex", "json")),
    ),
]
Dtype = Annotated[
    str,
    typer.Option(
        help="auto (float32 on a CPU), float32, bfloat16, float16.",
        rich_help_panel=MODEL,
        autocompletion=cli_complete.names(("auto", "float32", "bfloat16", "float16")),
    ),
]
MinPixels = Annotated[
    int | None, typer.Option(min=1, help="Images with fewer pixels are enlarged to that.", rich_help_panel=MODEL)
]
MaxPixels = Annotated[
    int | None, typer.Option(min=1, help="Images with more pixels are reduced to that.", rich_help_panel=MODEL)
]
Lora = Annotated[Path | None, typer.Option(help="Folder of a LoRA adapter on the model.", rich_help_panel=MODEL)]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...", rich_help_panel=_SPEED)]
BatchSize = Annotated[
    int | None,
    typer.Option(min=1, help="Prompts at a time: 16; vllm takes 1024 between two saves.", rich_help_panel=_SPEED),
]
Attention = Annotated[
    str | None,
    typer.Option(help="Of transformers: sdpa, eager, flash_attention_2, ...", rich_help_panel=_SPEED),
]
Workers = Annotated[
    int, typer.Option(min=1, help="Engines side by side, each on GPUs of its own.", rich_help_panel=_SPEED)
]
TensorParallel = Annotated[int, typer.Option(min=1, help="GPUs that share one engine (vllm).", rich_help_panel=_SPEED)]
MaxModelLen = Annotated[
    int | None, typer.Option(min=1, help="Tokens of prompt and answer together (vllm).", rich_help_panel=_SPEED)
]
GpuMemory = Annotated[
    float, typer.Option(min=0.05, max=1.0, help="Share of a GPU's memory to use (vllm).", rich_help_panel=_SPEED)
]
Address = Annotated[
    str | None,
    typer.Option(help="Of a Ray cluster: auto, or host:6379; without it one is started here.", rich_help_panel=_SPEED),
]
BaseUrl = Annotated[str | None, typer.Option(help="As http://localhost:8000/v1.", rich_help_panel=_SERVER)]
KeyVariable = Annotated[
    str, typer.Option(help="Environment variable that holds the key, if there is one.", rich_help_panel=_SERVER)
]
Concurrency = Annotated[int, typer.Option(min=1, help="Requests at a time.", rich_help_panel=_SERVER)]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds for one try of a request.", rich_help_panel=_SERVER)]
Retries = Annotated[int, typer.Option(min=0, help="Tries after the first one.", rich_help_panel=_SERVER)]
TokenBudget = Annotated[
    int | None, typer.Option(min=1, help="Stop before more tokens than this are used.", rich_help_panel=_SERVER)
]
