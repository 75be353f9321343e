"""A small but real Qwen2-VL: its byte-level tokenizer, processor and configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

from trainers.demo.examples import make_example

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
# Qwen2's chat format, without its default system message: sixteen vision tokens leave no room for small talk.
CHAT_TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else %}\
{%- for part in message.content -%}
{%- if part.type == 'image' or 'image' in part or 'image_url' in part -%}<|vision_start|><|image_pad|><|vision_end|>
{%- elif part.type == 'video' or 'video' in part -%}<|vision_start|><|video_pad|><|vision_end|>
{%- elif 'text' in part -%}{{ part.text }}{%- endif -%}
{%- endfor -%}{% endif %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}<|im_start|>assistant
{% endif -%}"""
# As Qwen2 splits text, but for three things that make generation steps fewer: a number of up to four digits, a tag
# and a quoted word are one token each, and a mark keeps the space behind it.
SPLIT = r"</?\p{L}+>|'\p{L}+'|\p{N}{1,4}| ?\p{L}+| ?[^\s\p{L}\p{N}'<]+ ?| ?['<]|\s*[\r\n]+|\s+"


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Train a byte-level BPE on the prompts and answers, with every number 0..1000 and Qwen2's special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_corpus(), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL_TOKENS),
        padding_side="left",
        model_max_length=2048,
        chat_template=CHAT_TEMPLATE,
    )
    fast.image_token, fast.video_token = "<|image_pad|>", "<|video_pad|>"
    return fast


def _corpus() -> Iterator[str]:
    for seed in range(2000):
        example = make_example(seed)
        yield example.prompt
        yield example.answer
    for number in range(1001):
        yield f"{number} " * 20
    yield "system user assistant\n" * 200


def build_processor() -> Qwen2VLProcessor:
    """Tokenizer, image and video processor in one; images of up to 224 x 224 pixels keep their size."""
    pixels = {"shortest_edge": 56 * 56, "longest_edge": 224 * 224}
    return Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=pixels),
        video_processor=Qwen2VLVideoProcessor(size=pixels),
        tokenizer=build_tokenizer(),
        chat_template=CHAT_TEMPLATE,
    )


def build_model(
    tokenizer: PreTrainedTokenizerFast,
    hidden: int = 128,
    layers: int = 4,
    vision: int = 128,
    vision_layers: int = 3,
) -> Qwen2VLForConditionalGeneration:
    """A fresh model with random weights: heads of 32 numbers in the text part, four heads in the vision tower."""
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": -(-len(tokenizer) // 64) * 64,
            "hidden_size": hidden,
            "intermediate_size": 3 * hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": hidden // 32,
            "num_key_value_heads": hidden // 32,
            "max_position_embeddings": 2048,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 6, 6]},
            "bos_token_id": None,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": vision_layers,
            "embed_dim": vision,
            "hidden_size": hidden,
            "num_heads": 4,
            "mlp_ratio": 4,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    model = Qwen2VLForConditionalGeneration(config)
    generation = model.generation_config
    generation.bos_token_id = None
    generation.eos_token_id = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    generation.pad_token_id = ids["<|endoftext|>"]
    return model


def save_checkpoint(
    model: Qwen2VLForConditionalGeneration,
    processor: Qwen2VLProcessor,
    folder: Path,
    record: dict[str, object],
) -> None:
    """Write model (float16, safetensors), processor and a record of how it was made."""
    state = {name: tensor.detach().to(torch.float16) for name, tensor in model.state_dict().items()}
    if not all(torch.isfinite(tensor).all() for tensor in state.values()):
        raise ValueError(f"weights of {folder} don't fit float16")
    half = Qwen2VLForConditionalGeneration(model.config).to(torch.float16)
    half.load_state_dict(state)
    half.generation_config = model.generation_config
    half.save_pretrained(folder)
    processor.save_pretrained(folder)
    (folder / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
