"""The output folder of a run: what it was made with, and where to go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from trainers.recipe import Recipe
from vrft_eval.errors import InputError
from vrft_eval.files import write_atomic

RECIPE = "recipe.yaml"
# What a run may be continued under, although it was begun with another value.
_MAY_CHANGE = {
    *("resume", "samples", "evaluate", "published", "stop"),
    *(f"training.{name}" for name in ("max_steps", "num_train_epochs", "save_steps", "save_total_limit")),
    *(f"training.{name}" for name in ("logging_steps", "report_to", "run_name", "disable_tqdm", "save_strategy")),
    *(f"training.dataloader_{name}" for name in ("num_workers", "prefetch_factor", "pin_memory")),
    *(f"grpo.vllm_server_{name}" for name in ("base_url", "host", "port", "timeout")),
    *(f"grpo.vllm_{name}" for name in ("group_port", "gpu_memory_utilization", "max_model_length")),
}


def checkpoint_to_continue(recipe: Recipe, trainer: str) -> Path | None:
    """Return the newest whole checkpoint of the recipe's output folder.

    Raises InputError where there is one and the recipe says not to go on, or the folder was begun with another recipe.
    """
    folder = Path(recipe.output)
    checkpoint = last_checkpoint(folder)
    if checkpoint is None:
        return None
    if recipe.resume == "never":
        raise recipe.error(f"holds {checkpoint.name}; name another folder, or resume=auto", "output")
    differs = _differences(_read(folder / RECIPE), _document(recipe, trainer))
    if differs:
        raise recipe.error(f"was begun with another recipe: {'; '.join(differs)}", "output")
    return checkpoint


def write_recipe(recipe: Recipe, trainer: str) -> None:
    """Write what the run is made with into its output folder."""
    Path(recipe.output).mkdir(parents=True, exist_ok=True)
    document = _document(recipe, trainer)
    write_atomic(Path(recipe.output) / RECIPE, yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


def _document(recipe: Recipe, trainer: str) -> dict[str, Any]:
    return {"trainer": trainer, **recipe.model_dump(mode="json")}


def last_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end: a kill may have left half of one."""
    found = []
    for state in folder.glob("checkpoint-*/trainer_state.json"):  # the last file that transformers writes
        try:
            found.append((int(json.loads(state.read_text(encoding="utf-8"))["global_step"]), state.parent))
        except (ValueError, KeyError, TypeError):
            continue
    return max(found)[1] if found else None


def _read(file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"cannot be read, so it isn't known what its checkpoints are of: {error}", file=file) from None
    if not isinstance(document, dict):
        raise InputError("expected keys and values", file=file)
    return document


def _differences(before: dict[str, Any], now: dict[str, Any], where: str = "") -> list[str]:
    found = []
    for key in dict.fromkeys([*before, *now]):
        name = f"{where}{key}"
        old, new = before.get(key), now.get(key)
        if name in _MAY_CHANGE or old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new, f"{name}.")
        else:
            found.append(f"{name} was {old!r}, is {new!r}")
    return found
