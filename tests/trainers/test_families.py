"""Qwen2.5-VL and Qwen3-VL, fresh and tiny, through both trainers: saved, continued and loaded by the harness."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from training_helpers import make_rows, save_data, write_recipe
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    Qwen2_5_VLConfig,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
    Qwen3VLConfig,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

import trainers.grpo
import trainers.sft
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.demo import checkpoint

PIXELS = {"shortest_edge": 56 * 56, "longest_edge": 224 * 224}
VISION: dict[str, Any] = {"depth": 2, "num_heads": 2, "out_hidden_size": 64, "intermediate_size": 64}


def qwen2_5(ids: dict[str, int], text: dict[str, Any], shipped: Any) -> tuple[Any, Any]:
    vision = {**VISION, "hidden_size": 64, "fullatt_block_indexes": [1], "window_size": 56}
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **ids)
    return config, Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=PIXELS),
        video_processor=Qwen2VLVideoProcessor(size=PIXELS),
        tokenizer=shipped.tokenizer,
        chat_template=shipped.chat_template,
    )


def qwen3(ids: dict[str, int], text: dict[str, Any], shipped: Any) -> tuple[Any, Any]:
    vision = {**VISION, "hidden_size": 64, "deepstack_visual_indexes": [0], "num_position_embeddings": 64}
    text = {**text, "head_dim": 32}
    config = Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **ids)
    return config, Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=PIXELS, patch_size=16),
        video_processor=Qwen3VLVideoProcessor(size=PIXELS),
        tokenizer=shipped.tokenizer,
        chat_template=shipped.chat_template,
    )


def save_tiny(folder: Path, make: Any) -> None:
    """Write a fresh model of the family, with the shipped checkpoint's words."""
    shipped: Any = AutoProcessor.from_pretrained(checkpoint("sft"))
    tokens = {"image": "<|image_pad|>", "video": "<|video_pad|>"}
    ids = {f"{name}_token_id": shipped.tokenizer.convert_tokens_to_ids(token) for name, token in tokens.items()}
    for name in ("start", "end"):
        ids[f"vision_{name}_token_id"] = shipped.tokenizer.convert_tokens_to_ids(f"<|vision_{name}|>")
    shown = json.loads((checkpoint("sft") / "config.json").read_text())["text_config"]
    kept = ("vocab_size", "rope_parameters", "eos_token_id", "pad_token_id", "max_position_embeddings")
    text = {
        **{name: shown[name] for name in kept},
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    }
    config, processor = make(ids, text, shipped)
    torch.manual_seed(0)
    model: Any = AutoModelForImageTextToText.from_config(config)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


@pytest.mark.parametrize("make", [qwen2_5, qwen3], ids=["qwen2.5-vl", "qwen3-vl"])
def test_a_family_trains_and_goes_on(tmp_path: Path, make: Any) -> None:
    save_tiny(tmp_path / "model", make)
    save_data(tmp_path / "data", make_rows())
    recipe = write_recipe(
        tmp_path,
        model=str(tmp_path / "model"),
        freeze_vision=True,
        grpo={"max_completion_length": 8},
        training={"save_steps": 1},
    )
    assert trainers.sft.main([str(recipe), "training.max_steps=1"]) == 0
    assert trainers.sft.main([str(recipe)]) == 0  # two steps: one more
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("model", "run"))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any("visual" in name for name in changed)
    assert trainers.grpo.main([str(recipe), f"model={tmp_path / 'run'}", f"output={tmp_path / 'second'}"]) == 0
    TransformersBackend(tmp_path / "second").close()
