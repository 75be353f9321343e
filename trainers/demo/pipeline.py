"""The whole way of one seed: words, vision, answers, reinforcement; each stage is saved and never run twice."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

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


@dataclass(frozen=True)
class Plan:
    """What one seed is trained with."""

    supervised: Settings = field(default_factory=Settings)
    grpo_steps: int = 195
    grpo_prompts: int = 16
    grpo_generations: int = 8
    grpo_rate: float = 1.5e-4
    threads: int = 1


def train_seed(seed: int, out: Path, plan: Plan) -> None:
    """Write `out/sft` and `out/rft`, with the training log `out/log.jsonl`. What is there already is kept."""
    torch.set_num_threads(plan.threads)
    sft, rft = out / "sft", out / "rft"
    record: dict[str, object] = {"seed": seed, "plan": asdict(plan), "versions": versions()}
    if not (sft / "training.json").is_file():
        _supervised(seed, sft, plan, record, Log(out / "log-sft.jsonl"))
    if not (rft / "training.json").is_file():
        set_seed(seed)
        # float32 in training; the file is float16, so both checkpoints start from the very same weights.
        model = Qwen2VLForConditionalGeneration.from_pretrained(sft, dtype=torch.float32)
        processor = Qwen2VLProcessor.from_pretrained(sft, padding_side="left")
        speed_up(model)
        train_grpo(
            model,
            processor,
            seed,
            plan.grpo_steps,
            out / "work",
            Log(out / "log-grpo.jsonl"),
            plan.grpo_prompts,
            plan.grpo_generations,
            plan.grpo_rate,
        )
        save_checkpoint(model, processor, rft, record | {"stage": "grpo"})


def _supervised(seed: int, folder: Path, plan: Plan, record: dict[str, object], log: Log) -> None:
    set_seed(seed)
    processor = build_processor()
    model = build_model(processor.tokenizer)
    speed_up(model)
    train_words(model, processor, seed, plan.supervised, log)
    head = train_vision(model, processor, seed, plan.supervised, log)
    train_answers(model, processor, head, seed, plan.supervised, log)
    save_checkpoint(model, processor, folder, record | {"stage": "sft"})


def versions() -> dict[str, str]:
    """What the numbers depend on."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "transformers": transformers.__version__,
        "trl": trl.__version__,
        "numpy": np.__version__,
    }
