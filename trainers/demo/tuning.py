"""What every way of fine-tuning the small model shares: the rows, the optimizer, the schedule, the log."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset, Features, List, Value
from datasets import Image as ImageFeature
from torch.optim import Muon
from torch.optim.lr_scheduler import LambdaLR
from transformers import (
    Qwen2VLForConditionalGeneration,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from trainers.demo.examples import make_example
from trainers.demo.log import Log

WARM_UP = 10
_MESSAGES = List({"role": Value("string"), "content": Value("string")})
FEATURES = Features(
    {
        "prompt": _MESSAGES,
        "completion": _MESSAGES,
        "image": ImageFeature(),
        "task": Value("string"),
        "boxes": List(List(Value("int64"))),
        "label": Value("string"),
        "box": List(Value("int64")),
    }
)
TRUTHS = {"detection": "boxes", "classification": "label", "grounding": "box"}
"""The column of each task's truth."""


def training_set(seed: int, size: int, unseen: Collection[str] = ()) -> Dataset:
    """Prompts, images, right answers and typed truths of all three tasks; nothing of them is about what is `unseen`.

    None of the images is one that the supervised stages have shown.
    """
    rng = np.random.default_rng([seed, 7])
    rows = [_row(int(s), unseen) for s in rng.integers(2**42, 2**43, size)]
    return Dataset.from_list(rows, features=FEATURES)


def _row(seed: int, unseen: Collection[str]) -> dict[str, Any]:
    example = make_example(seed, unseen=unseen, confidence=1.0)
    row: dict[str, Any] = {"boxes": None, "label": None, "box": None, TRUTHS[example.task]: example.truth}
    row["prompt"] = [{"role": "user", "content": example.prompt}]
    row["completion"] = [{"role": "assistant", "content": example.answer}]
    return row | {"image": example.image, "task": example.task}


def arguments(work: Path, seed: int, steps: int, batch: int, rate: float) -> dict[str, Any]:
    """TrainingArguments, for TRL's configuration of either way."""
    return {
        "output_dir": str(work),
        "use_cpu": not torch.cuda.is_available(),
        "bf16": True,
        "gradient_checkpointing": False,
        "seed": seed,
        "max_steps": steps,
        "per_device_train_batch_size": batch,
        "learning_rate": rate,
        "max_grad_norm": 1.0,
        "logging_steps": 5,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def optimizers(model: Qwen2VLForConditionalGeneration, rate: float, steps: int) -> tuple[Muon, LambdaLR]:
    """Muon on the weight matrices of the language model, with a rate that rises and falls; everything else is frozen.

    Between the gradients of two batches the cosine is 0.11 in the language model's MLPs and 0.01 in the vision tower:
    training the tower adds little but noise. And the reward is steep in a few directions: a step along the gradient,
    or along Adam's, that is long enough to gain something ruins the answers; a step of Muon's, equally long in all
    directions, doesn't. docs/demo-training.md has the numbers.
    """
    model.requires_grad_(False)
    layers = model.model.language_model.layers
    matrices = [parameter.requires_grad_() for parameter in layers.parameters() if parameter.ndim == 2]
    muon = Muon(matrices, lr=rate, weight_decay=0.0, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    return muon, LambdaLR(muon, lambda k: min(1.0, (k + 1) / WARM_UP) * max(0.0, 1 - k / steps))


def trained(model: Qwen2VLForConditionalGeneration) -> None:
    """Make a model that was trained whole again: nothing frozen, ready to answer."""
    model.requires_grad_(True)
    model.eval()


class LogCallback(TrainerCallback):
    """Hand TRL's metrics to our log: its file is the record that the curves are drawn from."""

    KEPT = ("loss", "reward", "reward_std", "frac_reward_zero_std", "entropy", "completions/mean_length", "step_time")

    def __init__(self, log: Log, stage: str) -> None:
        self.log, self.stage = log, stage

    def on_log(
        self,
        _args: TrainingArguments,
        state: TrainerState,
        _control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_kwargs: Any,
    ) -> None:
        """Keep the loss, the reward, its parts and the health of the run."""
        logs = logs or {}
        kept = {k: float(v) for k, v in logs.items() if k in self.KEPT or k.startswith(("reward_parts/", "rewards/"))}
        if kept:
            self.log.write(state.global_step, {f"{self.stage}/{name}": value for name, value in kept.items()})
