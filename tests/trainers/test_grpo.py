"""One real GRPOTrainer run, short, with our rewards."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import Qwen2VLForConditionalGeneration, Qwen2VLProcessor

from trainers.demo.fast_cpu import speed_up
from trainers.demo.grpo import train_grpo
from trainers.demo.log import Log
from trainers.demo.tuning import training_set
from vrft_eval.demo import checkpoint


def test_grpo_trains_the_shipped_checkpoint(tmp_path: Path) -> None:
    folder = checkpoint("sft")
    model = Qwen2VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    processor = Qwen2VLProcessor.from_pretrained(folder, padding_side="left")
    speed_up(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    rows = training_set(0, 20)
    train_grpo(model, processor, rows, 0, 5, tmp_path / "work", Log(tmp_path / "log.jsonl"), prompts=4, generations=4)
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()][-1]
    assert logged["step"] == 5
    # The shipped model knows the format and some of the answers: a reward near zero would mean that completions,
    # truths or images had been mixed up on their way through the trainer.
    assert 0.8 < logged["grpo/reward"] <= 3.0
    assert logged["grpo/reward_std"] > 0
    assert logged["grpo/reward_parts/detection/format"] > 0.8
    assert logged["grpo/reward_parts/grounding/giou"] > 0.5
    changed = [name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])]
    # The language model's weight matrices learn; the vision tower, embeddings and norms stay as they were.
    assert len(changed) == 28
    assert all("language_model.layers" in name for name in changed)
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())
