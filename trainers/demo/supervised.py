"""The supervised part: words and vision apart, then the whole model on written answers.

A large model starts from a trained language model and a trained vision tower; fresh ones learn little from answers
alone (IoU stays below 0.05, and whether two names are the same is still guessed after 1,800 steps). So the language
model first learns to compare words in made-up thoughts, and the vision tower to name and to localise: a throw-away
linear head on every merged vision token says what lies there and where its edges are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Qwen2VLForConditionalGeneration, Qwen2VLProcessor

from trainers.demo.examples import BINS, DENSE_CLASSES, Example, make_example, make_thought
from trainers.demo.log import Log


@dataclass(frozen=True)
class Settings:
    """Steps, batch sizes and learning rates of the three stages."""

    word_steps: int = 450
    word_batch: int = 96
    word_rate: float = 1.5e-3
    vision_steps: int = 1200
    vision_batch: int = 48
    vision_rate: float = 2e-3
    steps: int = 1100
    batch: int = 32
    rate: float = 1.5e-3
    dense_weight: float = 0.3
    decision_weight: float = 4.0


class DenseHead(nn.Linear):
    """Class, and the four box edges as bins, for every merged vision token."""

    def __init__(self, hidden: int) -> None:
        super().__init__(hidden, len(DENSE_CLASSES) + 4 * BINS)

    def loss(self, tokens: Tensor, batch: list[Example]) -> tuple[Tensor, float]:
        """Cross-entropy of class and edges, and the share of edges that are right. `tokens`: (b * 16, hidden)."""
        classes = torch.from_numpy(np.concatenate([e.targets.classes for e in batch]))
        bins = torch.from_numpy(np.concatenate([e.targets.bins for e in batch]))
        out = self(tokens.float())
        class_loss = F.cross_entropy(out[:, : len(DENSE_CLASSES)], classes)
        held = bins[:, 0] >= 0
        if not held.any():  # a batch of flowers alone
            return class_loss, 1.0
        edges = out[held, len(DENSE_CLASSES) :].view(-1, BINS)
        target = bins[held].reshape(-1)
        # Neighbouring edges are nearly right: they get a share of the probability.
        exact = F.one_hot(target, BINS).float()
        soft = 0.7 * exact + 0.15 * (exact.roll(1, 1) + exact.roll(-1, 1))
        right = float((edges.argmax(-1) == target).float().mean())
        return class_loss + F.cross_entropy(edges, soft), right


def train_words(
    model: Qwen2VLForConditionalGeneration, processor: Qwen2VLProcessor, seed: int, settings: Settings, log: Log
) -> None:
    """Stage 0: the language model learns to compare and to count, on thoughts without images."""
    tokenizer, text = processor.tokenizer, model.model.language_model
    optimizer = _Optimizer([text], settings.word_rate, settings.word_steps)
    rng = np.random.default_rng([seed, 5])
    for step in range(settings.word_steps):
        thoughts = [make_thought(int(s)) for s in rng.integers(2**40, 2**41, settings.word_batch)]
        batch = tokenizer(thoughts, return_tensors="pt", padding=True)
        ids, mask = batch["input_ids"], batch["attention_mask"]
        wanted = mask[:, :-1].bool() & mask[:, 1:].bool()
        with torch.autocast("cpu", torch.bfloat16):
            hidden = text(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state[:, :-1]
            logits = model.lm_head(hidden[wanted])
        answer = ids[:, 1:][wanted]
        decides = _decisions(processor, answer)
        optimizer.step(_weighted(logits, answer, decides, settings)[0])
        log.add(step, {"words/decisions": float((logits.argmax(-1) == answer)[decides].float().mean())})


def train_vision(
    model: Qwen2VLForConditionalGeneration,
    processor: Qwen2VLProcessor,
    seed: int,
    settings: Settings,
    log: Log,
) -> DenseHead:
    """Stage 1: the vision tower learns to name and to localise."""
    tower = model.model.visual
    head = DenseHead(model.config.text_config.hidden_size)
    optimizer = _Optimizer([tower, head], settings.vision_rate, settings.vision_steps)
    for step, batch in enumerate(_batches(seed, settings.vision_batch, settings.vision_steps, curriculum=False)):
        inputs = processor.image_processor([e.image for e in batch], return_tensors="pt")
        with torch.autocast("cpu", torch.bfloat16):
            tokens = tower(inputs["pixel_values"], grid_thw=inputs["image_grid_thw"]).pooler_output
        loss, right = head.loss(tokens, batch)
        optimizer.step(loss)
        log.add(step, {"vision/loss": float(loss.detach()), "vision/edges": right})
    return head


def train_answers(
    model: Qwen2VLForConditionalGeneration,
    processor: Qwen2VLProcessor,
    head: DenseHead,
    seed: int,
    settings: Settings,
    log: Log,
) -> None:
    """Supervised fine-tuning on written answers; the dense loss stays, at a smaller weight."""
    seen: dict[str, Tensor] = {}
    hook = model.model.visual.register_forward_hook(
        lambda _module, _inputs, output: seen.__setitem__("tokens", output.pooler_output)
    )
    optimizer = _Optimizer([model, head], settings.rate, settings.steps)
    model.train()
    for step, batch in enumerate(_batches(seed, settings.batch, settings.steps, curriculum=True)):
        inputs, labels = encode(processor, batch)
        wanted = labels[:, 1:] != -100
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model.model(**inputs, use_cache=False).last_hidden_state[:, :-1]
            logits = model.lm_head(hidden[wanted])
        answer = labels[:, 1:][wanted]
        decides = _decisions(processor, answer)
        loss, plain = _weighted(logits, answer, decides, settings)
        dense, right = head.loss(seen["tokens"], batch)
        optimizer.step(loss + settings.dense_weight * dense)
        values = {"sft/loss": plain, "sft/edges": right}
        if decides.any():
            values["sft/decisions"] = float((logits.argmax(-1) == answer)[decides].float().mean())
        log.add(step, values)
    hook.remove()
    model.eval()


def _decisions(processor: Qwen2VLProcessor, wanted: Tensor) -> Tensor:
    """Which answer tokens decide what the answer says: yes, no, and the number behind "Count: "."""
    yes, no, count = processor.tokenizer.convert_tokens_to_ids(["yes", "no", "Count"])
    decides: Tensor = (wanted == yes) | (wanted == no)
    decides[(wanted == count).nonzero().flatten() + 2] = True
    return decides


def _weighted(logits: Tensor, answer: Tensor, decides: Tensor, settings: Settings) -> tuple[Tensor, float]:
    """The loss to train on and the plain one. Deciding tokens are few among many that follow from them, and are what
    is hard to learn, so they weigh more."""
    losses = F.cross_entropy(logits.float(), answer, reduction="none")
    weights = 1 + (settings.decision_weight - 1) * decides
    return (losses * weights).sum() / weights.sum(), float(losses.mean().detach())


def encode(processor: Qwen2VLProcessor, batch: list[Example]) -> tuple[dict[str, Tensor], Tensor]:
    """Chat prompt and answer as model inputs, and labels (-100 on all but the answer)."""
    prompts = [
        processor.apply_chat_template(chat(example), tokenize=False, add_generation_prompt=True) for example in batch
    ]
    texts = [prompt + example.answer + "<|im_end|>" for prompt, example in zip(prompts, batch, strict=True)]
    images = [example.image for example in batch]
    inputs = processor(text=texts, images=images, return_tensors="pt", padding=True)
    labels = inputs["input_ids"].clone()
    end = processor.tokenizer.convert_tokens_to_ids("<|im_end|>")
    for row, example in zip(labels, batch, strict=True):
        # The answer is what follows the generation prompt: count its tokens from the right (padding is on the left).
        length = len(processor.tokenizer(example.answer).input_ids) + 1
        if row[-1] != end:
            raise ValueError("the processor did not pad on the left")
        row[:-length] = -100
    return dict(inputs), labels


def chat(example: Example) -> list[dict[str, object]]:
    """The one user message that holds image and prompt."""
    return [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": example.prompt}]}]


def _batches(seed: int, size: int, steps: int, curriculum: bool) -> Iterator[list[Example]]:
    """Fresh examples, none seen twice. The curriculum: one object, then two, then three.

    Eight batches are drawn at once and sorted by length, so that little is spent on padding.
    """
    rng = np.random.default_rng(seed)
    done = 0
    while done < steps:
        share = done / steps
        objects = 3 if not curriculum else 1 if share < 0.15 else 2 if share < 0.4 else 3
        seeds = rng.integers(2**40, 2**41, 8 * size)
        pool = [make_example(int(s), objects) for s in seeds]
        if curriculum:
            pool.sort(key=lambda e: len(e.prompt) + len(e.answer))
        for k in rng.permutation(8):
            if done < steps:
                yield pool[k * size : (k + 1) * size]
                done += 1


class _Optimizer:
    """Muon for weight matrices, AdamW for embeddings, norms and biases; a warm-up, then a cosine down to 5 %.

    With the same number of steps AdamW alone had 71 % of the box edges right after stage 0, this pair 87 %.
    """

    def __init__(self, modules: list[nn.Module], rate: float, steps: int) -> None:
        named = [pair for module in modules for pair in module.named_parameters()]
        matrices = [p for name, p in named if p.ndim == 2 and "embed_tokens" not in name]
        chosen = {id(p) for p in matrices}
        others = [p for _, p in named if id(p) not in chosen]
        self.parts: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(matrices, lr=rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=rate, weight_decay=0.02, betas=(0.9, 0.98), fused=True),
        )
        self.modules, self.rate, self.steps, self.done = modules, rate, steps, 0

    def step(self, loss: Tensor) -> None:
        """Back-propagate the loss and move the weights."""
        factor = min(1.0, (self.done + 1) / 50) * (0.525 + 0.475 * math.cos(math.pi * self.done / self.steps))
        loss.backward()
        for module in self.modules:
            nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = self.rate * factor
            part.step()
            part.zero_grad(set_to_none=True)
        self.done += 1
