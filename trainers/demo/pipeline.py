"""From random weights to the checkpoint that fine-tuning starts from, and on to the ones that ship."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
import trl
from transformers import Qwen2VLForConditionalGeneration, Qwen2VLProcessor, set_seed

from trainers.demo.fast_cpu import speed_up
from trainers.demo.grpo import train_grpo
from trainers.demo.log import Log
from trainers.demo.model import build_model, build_processor, save_checkpoint
from trainers.demo.supervised import Settings, train_answers, train_vision, train_words
from trainers.demo.tuning import training_set


@dataclass(frozen=True)
class Plan:
    """What one seed of the checkpoints that ship is trained with."""

    supervised: Settings = field(default_factory=Settings)
    grpo_steps: int = 195
    grpo_prompts: int = 16
    grpo_generations: int = 8
    grpo_rate: float = 1.5e-4


def train_seed(seed: int, out: Path, plan: Plan) -> None:
    """Write `out/sft` and `out/rft`, with logs. What is there is kept; ValueError if it was trained by another plan."""
    torch.set_num_threads(1)
    sft, rft = out / "sft", out / "rft"
    for stage in (sft, rft):
        if is_trained(stage) and trained_with(stage)["plan"] != asdict(plan):
            raise ValueError(f"{stage} was trained with another plan: name another --out")
    record: dict[str, object] = {"seed": seed, "plan": asdict(plan), "versions": versions()}
    train_base(sft, seed, plan.supervised, record | {"stage": "sft"}, Log(out / "log-sft.jsonl"))
    if not is_trained(rft):
        set_seed(seed)
        model, processor = load(sft)
        train_grpo(
            model,
            processor,
            training_set(seed, plan.grpo_steps * plan.grpo_prompts),  # none of the images is shown twice
            seed,
            plan.grpo_steps,
            out / "work",
            Log(out / "log-grpo.jsonl"),
            prompts=plan.grpo_prompts,
            generations=plan.grpo_generations,
            rate=plan.grpo_rate,
        )
        save_checkpoint(model, processor, rft, record | {"stage": "grpo"})


def train_base(folder: Path, seed: int, settings: Settings, record: dict[str, object], log: Log) -> None:
    """Words, vision, answers: write the checkpoint, unless it is there already."""
    if is_trained(folder):
        return
    set_seed(seed)
    processor = build_processor()
    model = build_model(processor.tokenizer)
    speed_up(model)
    train_words(model, processor, seed, settings, log)
    head = train_vision(model, processor, seed, settings, log)
    train_answers(model, processor, head, seed, settings, log)
    save_checkpoint(model, processor, folder, record)


def load(folder: Path) -> tuple[Qwen2VLForConditionalGeneration, Qwen2VLProcessor]:
    """A checkpoint to train on. float32, while the file is float16: all that start from it start from the same."""
    model = Qwen2VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    speed_up(model)
    return model, Qwen2VLProcessor.from_pretrained(folder, padding_side="left")


def is_trained(folder: Path) -> bool:
    """Whether the checkpoint is there: its record is written last."""
    return (folder / "training.json").is_file()


def trained_with(folder: Path) -> dict[str, Any]:
    """The record of a checkpoint that is there."""
    record: dict[str, Any] = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    return record


def versions() -> dict[str, str]:
    """What the numbers depend on."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "transformers": transformers.__version__,
        "trl": trl.__version__,
        "numpy": np.__version__,
    }
