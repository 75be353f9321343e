"""GRPO on images, with verifiable rewards: `python -m trainers.grpo RECIPE.yaml [key=value ...]`.

The trainer is TRL's. What is ours is the order: the recipe, then every row of the data, then the model; and the reward.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from trl import GRPOConfig, GRPOTrainer

from trainers.command import command
from trainers.guards import Guard
from trainers.model import load_model, load_processor, lora_config
from trainers.recipe import Recipe
from trainers.rewards import TrainingReward
from trainers.training_set import training_set
from trainers.vllm_prompts import show_the_trained_prompts


def build(recipe: Recipe) -> GRPOTrainer:
    """Make TRL's trainer of a recipe. Raises InputError; for the data, before the model is loaded."""
    config = recipe.arguments(
        GRPOConfig,
        "grpo",
        output_dir=recipe.output,
        remove_unused_columns=False,  # the truth is in them
        logging_nan_inf_filter=False,  # the guard has to see them
    )
    if config.vllm_server_base_url:
        config.vllm_server_base_url = config.vllm_server_base_url.rstrip("/")  # with it TRL would wait for ever
    data = training_set(recipe)
    reward = TrainingReward(
        data.rewards,
        group_size=config.num_generations,
        schedule=recipe.reward.schedule,
        folder=Path(recipe.output),
        samples=recipe.samples,
        every=max(1, int(config.logging_steps)),
    )
    processor = load_processor(recipe)
    trainer = GRPOTrainer(
        model=load_model(recipe),
        reward_funcs=[reward],
        args=config,
        train_dataset=data.data,
        processing_class=processor,
        callbacks=[Guard(recipe.stop)],
        peft_config=lora_config(recipe),
    )
    show_the_trained_prompts(trainer, processor)
    return trainer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns the exit code."""
    return command(arguments, build, "grpo")


if __name__ == "__main__":
    sys.exit(main())
