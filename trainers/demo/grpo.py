"""The reinforcement part: TRL's own GRPOTrainer, with verifiable rewards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PrinterCallback, Qwen2VLForConditionalGeneration, Qwen2VLProcessor
from trl import GRPOConfig, GRPOTrainer

from trainers.demo.log import Log
from trainers.demo.tuning import TRUTHS, LogCallback, arguments, optimizers, trained
from vrft_eval.demo.flowers import SPECIES
from vrft_rewards import ClassificationReward, DetectionReward, GroundingReward
from vrft_rewards.adapters.trl import TaskReward, TrlReward

REWARD = TrlReward(
    {
        "detection": TaskReward(DetectionReward(), TRUTHS["detection"]),
        "classification": TaskReward(ClassificationReward(labels=list(SPECIES)), TRUTHS["classification"]),
        "grounding": TaskReward(GroundingReward(), TRUTHS["grounding"]),
    }
)


def train_grpo(
    model: Qwen2VLForConditionalGeneration,
    processor: Qwen2VLProcessor,
    data: Dataset,
    seed: int,
    steps: int,
    work: Path,
    log: Log,
    *,
    prompts: int = 16,
    generations: int = 8,
    rate: float = 1.5e-4,
    paid_by: Callable[..., list[Any]] = REWARD,
) -> None:
    """Train in place, `prompts` x `generations` completions a step.

    `paid_by` is the reward that is trained on; ours is computed beside it, for the log.
    """
    rewards, weights = ([REWARD], [1.0]) if paid_by is REWARD else ([paid_by, REWARD], [1.0, 0.0])
    config = GRPOConfig(
        **arguments(work, seed, steps, prompts * generations, rate),
        remove_unused_columns=False,
        num_generations=generations,
        max_completion_length=96,
        temperature=1.0,
        beta=0.0,
        loss_type="dr_grpo",
        # Scaled by the spread of their group, groups that differ in a confidence alone would push as hard as
        # groups that differ in a hit; greedy answers got worse by it, on both seeds that were tried.
        scale_rewards="none",
        reward_weights=weights,
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=rewards,
        args=config,
        train_dataset=data.remove_columns("completion"),  # the right answers are for the supervised baseline
        processing_class=processor,
        callbacks=[LogCallback(log, "grpo")],
        optimizers=optimizers(model, rate, steps),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trained(model)
