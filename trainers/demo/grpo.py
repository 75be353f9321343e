"""The reinforcement part: TRL's own GRPOTrainer, with our rewards, on fresh images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, Features, List, Value
from datasets import Image as ImageFeature
from torch.optim import Muon
from torch.optim.lr_scheduler import LambdaLR
from transformers import (
    PrinterCallback,
    Qwen2VLForConditionalGeneration,
    Qwen2VLProcessor,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from trl import GRPOConfig, GRPOTrainer

from trainers.demo.examples import make_example
from trainers.demo.log import Log
from vrft_eval.demo.flowers import SPECIES
from vrft_rewards import ClassificationReward, DetectionReward, GroundingReward
from vrft_rewards.adapters.trl import TaskReward, TrlReward

REWARD = TrlReward(
    {
        "detection": TaskReward(DetectionReward(), "boxes"),
        "classification": TaskReward(ClassificationReward(labels=list(SPECIES)), "label"),
        "grounding": TaskReward(GroundingReward(), "box"),
    }
)
WARM_UP = 10
FEATURES = Features(
    {
        "prompt": List({"role": Value("string"), "content": Value("string")}),
        "image": ImageFeature(),
        "task": Value("string"),
        "boxes": List(List(Value("int64"))),
        "label": Value("string"),
        "box": List(Value("int64")),
    }
)


def train_grpo(
    model: Qwen2VLForConditionalGeneration,
    processor: Qwen2VLProcessor,
    seed: int,
    steps: int,
    work: Path,
    log: Log,
    prompts: int = 16,
    generations: int = 8,
    rate: float = 1.5e-4,
) -> None:
    """Train in place, `prompts` x `generations` completions a step, none of the images seen before."""
    optimizer = _optimizer(model, rate)
    config = GRPOConfig(
        output_dir=str(work),
        use_cpu=True,
        bf16=True,
        gradient_checkpointing=False,
        remove_unused_columns=False,
        seed=seed,
        max_steps=steps,
        per_device_train_batch_size=prompts * generations,
        num_generations=generations,
        max_completion_length=96,
        temperature=1.0,
        beta=0.0,
        loss_type="dr_grpo",
        # Scaled by the spread of their group, groups that differ in a confidence alone would push as hard as
        # groups that differ in a hit; greedy answers got worse by it, on both seeds that were tried.
        scale_rewards="none",
        learning_rate=rate,
        max_grad_norm=1.0,
        logging_steps=5,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[REWARD],
        args=config,
        train_dataset=training_set(seed, steps * prompts),
        processing_class=processor,
        callbacks=[_LogCallback(log)],
        optimizers=(optimizer, LambdaLR(optimizer, lambda k: min(1.0, (k + 1) / WARM_UP) * max(0.0, 1 - k / steps))),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    model.requires_grad_(True)
    model.eval()


def _optimizer(model: Qwen2VLForConditionalGeneration, rate: float) -> Muon:
    """Muon on the weight matrices of the language model; everything else is frozen.

    Between the gradients of two batches the cosine is 0.11 in the language model's MLPs and 0.01 in the vision tower:
    training the tower adds little but noise. And the reward is steep in a few directions: a step along the gradient,
    or along Adam's, that is long enough to gain something ruins the answers; a step of Muon's, equally long in all
    directions, doesn't. docs/demo-training.md has the numbers.
    """
    model.requires_grad_(False)
    layers = model.model.language_model.layers
    matrices = [parameter.requires_grad_() for parameter in layers.parameters() if parameter.ndim == 2]
    return Muon(matrices, lr=rate, weight_decay=0.0, momentum=0.95, adjust_lr_fn="match_rms_adamw")


def training_set(seed: int, size: int) -> Dataset:
    """Prompts, images and typed truths; all three tasks mixed, one in five detection prompts without an object."""
    rng = np.random.default_rng([seed, 7])
    rows = [_row(int(s)) for s in rng.integers(2**42, 2**43, size)]
    return Dataset.from_list(rows, features=FEATURES)


def _row(seed: int) -> dict[str, Any]:
    example = make_example(seed)
    column = REWARD.tasks[example.task].column
    row: dict[str, Any] = {"boxes": None, "label": None, "box": None, column: example.truth}
    row["prompt"] = [{"role": "user", "content": example.prompt}]
    return row | {"image": example.image, "task": example.task}


class _LogCallback(TrainerCallback):
    """Hand TRL's metrics to our log: its file is the record that the curves are drawn from."""

    KEPT = ("reward", "reward_std", "frac_reward_zero_std", "entropy", "completions/mean_length", "step_time")

    def __init__(self, log: Log) -> None:
        self.log = log

    def on_log(
        self,
        _args: TrainingArguments,
        state: TrainerState,
        _control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_kwargs: Any,
    ) -> None:
        """Keep the reward, its parts and the health of the run."""
        logs = logs or {}
        kept = {k: float(v) for k, v in logs.items() if k in self.KEPT or k.startswith("reward_parts/")}
        if kept:
            self.log.write(state.global_step, {f"grpo/{name}": value for name, value in kept.items()})
