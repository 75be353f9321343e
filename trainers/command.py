"""What the commands have in common: a recipe and overrides in, a trained model out, or one line that says why not."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from trainers.console import speak_plainly
from trainers.guards import TrainingStoppedError
from trainers.model import restore_weights
from trainers.output import checkpoint_to_continue, write_recipe
from trainers.recipe import Recipe, load_recipe
from vrft_eval.errors import InputError, first_line

BAD_INPUT, STOPPED = 2, 3
_MISSING = ("install", "needs a CUDA device")
"""In what is said of W&B, vLLM, ...: what the recipe asks for and isn't there."""


def command(arguments: Sequence[str] | None, build: Callable[[Recipe], Any], name: str) -> int:
    """Run a trainer's command line. Returns the exit code: 2 for a bad input, 3 for a run that was stopped."""
    parser = argparse.ArgumentParser(prog=f"python -m trainers.{name}", description=f"{name.upper()} by a recipe.")
    parser.add_argument("recipe", type=Path, metavar="RECIPE.yaml", help="see trainers/recipes and docs/training.md")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="replaces a value, such as grpo.beta=0.04")
    options = parser.parse_args(arguments)
    try:
        train(load_recipe(options.recipe, options.overrides), build, name)
    except InputError as error:
        if os.environ.get("LOCAL_RANK", "0") == "0":  # the processes of a launcher read the same
            print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except TrainingStoppedError as error:
        print(f"stopped: {error}", file=sys.stderr)
        return STOPPED
    return 0


def train(recipe: Recipe, build: Callable[[Recipe], Any], name: str) -> None:
    """Train from the newest checkpoint of the output folder, or from the start, and save the model.

    Raises InputError before anything is written, and TrainingStoppedError.
    """
    checkpoint = checkpoint_to_continue(recipe, name)
    try:
        trainer = build(recipe)
    except InputError:
        raise
    except Exception as error:
        # A ValueError is what TRL, peft, transformers and vLLM raise for values that don't fit.
        refused = isinstance(error, ValueError) or any(text in str(error) for text in _MISSING)
        if not refused and not _of_the_server(error):
            raise
        raise InputError(first_line(error)) from error
    speak_plainly(trainer)
    first = trainer.is_world_process_zero()
    if first:
        write_recipe(recipe, name)
    if checkpoint is not None:
        restore_weights(trainer, checkpoint)
        if first:
            print(f"continues at {checkpoint}", file=sys.stderr)
    try:
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    except Exception as error:
        step = trainer.state.global_step + 1
        if "probability tensor" in str(error):  # what sampling from a model of NaNs says
            raise TrainingStoppedError(f"step {step}: the model's output isn't finite") from error
        if _of_the_server(error):
            raise TrainingStoppedError(f"step {step}: the vLLM server failed: {first_line(error)}") from error
        raise
    trainer.save_model(recipe.output)
    trainer.save_state()
    if first:
        print(f"trained: {recipe.output}")
        for line in recipe.evaluate:
            print(f"score it: {line}")


def _of_the_server(error: Exception) -> bool:
    """Whether TRL or requests say it of a vLLM server that isn't there, or answers with an error."""
    text = str(error)
    return type(error).__module__.startswith("requests.") or text.startswith(("The vLLM server", "Request failed"))
