"""The model and processor of a recipe: any that transformers' Auto classes know as image-text-to-text."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel
from transformers import AutoModelForImageTextToText, AutoProcessor

from trainers.recipe import Recipe
from vrft_eval.errors import first_line
from vrft_rewards import DetectionProfile

_VISION = r"(.*\.)?visual\..*"
"""The vision tower's modules, by their name in Qwen2-VL, Qwen2.5-VL and Qwen3-VL."""


def load_processor(recipe: Recipe) -> Any:
    """Load the processor, with the recipe's bounds on pixels. Raises InputError."""
    processor: Any = AutoProcessor
    try:
        loaded = processor.from_pretrained(recipe.model, padding_side="left", **_revision(recipe))
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise recipe.error(f"the processor can't be loaded: {first_line(error)}", "model") from error
    images = getattr(loaded, "image_processor", None)
    if images is None:
        raise recipe.error("the model's processor takes no images", "model", value=recipe.model)
    if "pixels-resized" in (recipe.space, recipe.truth_space):
        factor = images.patch_size * images.merge_size
        for task in ("detection", "grounding"):
            if getattr(recipe.reward, task).get("resize_factor", DetectionProfile().resize_factor) != factor:
                raise recipe.error(f"must be {factor} for this model", "reward", task, "resize_factor")
    given = {"shortest_edge": recipe.min_pixels, "longest_edge": recipe.max_pixels}
    bounds = {edge: value for edge, value in given.items() if value is not None}
    if bounds:
        size = getattr(images, "size", None)
        if not size or not all(edge in size for edge in given):
            raise recipe.error("the model's image processor has no such bounds", "max_pixels", value=recipe.max_pixels)
        images.size = {**{edge: size[edge] for edge in given}, **bounds}
    return loaded


def load_model(recipe: Recipe) -> Any:
    """Load the model, its vision tower frozen if the recipe says so. Raises InputError.

    Weights are float32 unless `model_options.dtype` says otherwise: steps as small as those of RL vanish in bfloat16.
    """
    model: Any = AutoModelForImageTextToText
    try:
        loaded = model.from_pretrained(recipe.model, **({"dtype": "float32"} | recipe.model_options))
    except (OSError, AttributeError, ValueError, KeyError, TypeError, ImportError, RuntimeError) as error:
        raise recipe.error(f"can't be loaded: {first_line(error)}", "model") from error
    _save_as_loaded(loaded)
    if recipe.freeze_vision:
        tower = [parameter for name, parameter in loaded.named_parameters() if ".visual." in f".{name}"]
        if not tower:
            raise recipe.error("the model has no vision tower named visual", "freeze_vision")
        for parameter in tower:
            parameter.requires_grad_(False)
    return loaded


def lora_config(recipe: Recipe) -> LoraConfig | None:
    """Make the LoRA configuration: all linear layers unless it says otherwise, without the tower if that is frozen."""
    if recipe.lora is None:
        return None
    frozen = {"exclude_modules": _VISION} if recipe.freeze_vision else {}
    try:
        return LoraConfig(**({"task_type": "CAUSAL_LM", "target_modules": "all-linear"} | frozen | recipe.lora))
    except (TypeError, ValueError) as error:
        raise recipe.error(first_line(error), "lora") from None


def restore_weights(trainer: Any, checkpoint: Path) -> None:
    """Give a trainer's model the weights of a checkpoint, before its own resuming, which may leave them out.

    transformers saves these models under other names than the modules have, and `Trainer` reads them back without
    translating: it warns of missing keys and goes on with the weights that the run began with (QwenLM/Qwen3-VL#1763).
    `from_pretrained` translates. LoRA, DeepSpeed and FSDP have ways of their own.
    """
    if isinstance(trainer.model, PeftModel) or trainer.is_deepspeed_enabled or trainer.is_fsdp_enabled:
        return
    model: Any = AutoModelForImageTextToText
    saved = model.from_pretrained(checkpoint, dtype=trainer.model.dtype)
    trainer.model.load_state_dict(saved.state_dict())  # raises where a name differs
    logging.getLogger("transformers.trainer").addFilter(_is_other)


def _save_as_loaded(model: Any) -> None:
    """Let the weights be saved under the names that they were loaded by.

    transformers 5 renames weights when it loads them and renames them back when it saves. Loading for ZeRO-3 it keeps
    all the renamings that it knows of, not those alone that it used, and saves `model.model.layers...`, which it reads
    itself and vLLM doesn't.
    """
    renamings = getattr(model, "_weight_conversions", None)
    if renamings and hasattr(renamings[0], "was_used"):  # older releases don't know
        model._weight_conversions = [renaming for renaming in renamings if renaming.was_used()]


def _is_other(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(("There were missing keys", "There were unexpected keys"))


def _revision(recipe: Recipe) -> dict[str, Any]:
    return {key: recipe.model_options[key] for key in ("revision", "trust_remote_code") if key in recipe.model_options}
