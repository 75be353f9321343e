"""The supervised baseline on the same data: `python -m trainers.sft RECIPE.yaml [key=value ...]`.

The trainer is TRL's. The model is shown the right answer, in the form that GRPO pays for; the question isn't learnt.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, Features, List, Value, concatenate_datasets
from trl import SFTConfig, SFTTrainer

from trainers.command import command
from trainers.data.rows import Row, whole_boxes
from trainers.guards import Guard
from trainers.model import load_model, load_processor, lora_config
from trainers.recipe import Recipe
from trainers.training_set import COLUMNS, training_set
from vrft_rewards.coordinates import smart_resize
from vrft_rewards.rewards import DetectionReward, GroundingReward, Reward
from vrft_rewards.truth import truth_boxes

_THOUGHTS = {
    "detection": "I look for every {what} in the image.",
    "classification": "I look at what tells the categories apart.",
    "grounding": "I look for what is described.",
}
"""What is thought where the data has no column `thinking`."""
_MESSAGES = Features({"completion": List({"role": Value("string"), "content": Value("string")})})


def build(recipe: Recipe) -> SFTTrainer:
    """Make TRL's trainer of a recipe. Raises InputError; for the data, before the model is loaded."""
    config = recipe.arguments(
        SFTConfig,
        "sft",
        output_dir=recipe.output,
        completion_only_loss=True,
        max_length=None,  # the tokens of an image can't be cut
        logging_nan_inf_filter=False,  # the guard has to see them
    )
    if recipe.space == "norm1":
        raise recipe.error("SFT writes whole numbers, so answers can't be in it", "space", value="norm1")
    data = training_set(recipe, own=False)
    answers = right_answers(recipe, data.data, {task: reward.reward for task, reward in data.rewards.items()})
    processor = load_processor(recipe)
    return SFTTrainer(
        model=load_model(recipe),
        args=config,
        train_dataset=answers,
        processing_class=processor,
        callbacks=[Guard(recipe.stop)],
        peft_config=lora_config(recipe),
    )


def right_answers(recipe: Recipe, data: Dataset, rewards: dict[str, Reward]) -> Dataset:
    """Put the right completion beside each prompt. Raises InputError for one that the reward doesn't pay in full."""
    texts = data.select_columns([name for name in data.column_names if name != "image"])
    completions = [_completion(recipe, values, rewards) for values in texts]
    columns = Dataset.from_dict(
        {"completion": [[{"role": "assistant", "content": text}] for text in completions]}, features=_MESSAGES
    )
    return concatenate_datasets([data.select_columns(["prompt", "image"]), columns], axis=1)


def _completion(recipe: Recipe, values: dict[str, Any], rewards: dict[str, Reward]) -> str:
    task, size = values["task"], (values["image_size"][0], values["image_size"][1])
    truth, reward = values[COLUMNS[task]], rewards[task]
    right = Row(values["id"], Path(), size, "", task, "", "norm1000", label=values["label"])
    if isinstance(reward, (DetectionReward, GroundingReward)):
        profile = reward.profile
        shown = smart_resize(size, profile.resize_factor, profile.min_pixels, profile.max_pixels)
        given = truth if task == "detection" else [truth]
        boxes = truth_boxes(given, profile.space, profile.truth_space, size, "truth", shown)
        # Whole numbers of whatever space the answers are in, which to `whole_boxes` are its pixels.
        whole = whole_boxes(np.array(boxes, dtype=np.float64).reshape(-1, 4), size, "pixels", Counter())
        right = Row(right.id, Path(), size, "", task, "", "norm1000", boxes=whole, box=whole[0] if whole else None)
    what = values.get("category") or "object that is asked for"
    thought = values.get("thinking") or _THOUGHTS[task].format(what=what)
    text = f"<think>{thought.strip()}</think>{right.solution}"
    score = reward.score(text, truth, size)
    # Rounding to whole numbers costs a little overlap; anything more is a wrong answer, or a wrong thought.
    if not score.parts["format"] or score.value < 0.5 * reward.bounds[1]:
        message = f"the right answer written out earns {score.value:.2f} of {reward.bounds[1]:g}: {score.reason}"
        raise recipe.error(f"row {values['id']}: {message}", "data", value=text)
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns the exit code."""
    return command(arguments, build, "sft")


if __name__ == "__main__":
    sys.exit(main())
