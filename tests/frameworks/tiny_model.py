"""A tiny language model with random weights, made on the spot, small enough to train a step in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tiny_tokenizer import make_tokenizer

TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"


def make_model() -> tuple[Any, Any]:
    """Return a model and its tokenizer, which has a chat template."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = make_tokenizer()
    tokenizer.chat_template = TEMPLATE
    tokenizer.padding_side = "left"
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen2ForCausalLM(config), tokenizer


def save_model(folder: Path) -> None:
    """Write model and tokenizer as a checkpoint folder."""
    for part in make_model():
        part.save_pretrained(folder)
