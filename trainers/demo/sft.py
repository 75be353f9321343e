"""The supervised baseline: TRL's own SFTTrainer on the same rows, with the same optimizer and as many steps."""

from __future__ import annotations

from pathlib import Path

from datasets import Dataset
from transformers import PrinterCallback, Qwen2VLForConditionalGeneration, Qwen2VLProcessor
from trl import SFTConfig, SFTTrainer

from trainers.demo.log import Log
from trainers.demo.tuning import LogCallback, arguments, optimizers, trained


def train_sft(
    model: Qwen2VLForConditionalGeneration,
    processor: Qwen2VLProcessor,
    data: Dataset,
    seed: int,
    steps: int,
    work: Path,
    log: Log,
    *,
    prompts: int = 16,
    rate: float = 1.5e-4,
) -> None:
    """Train in place on the right answers of `prompts` rows a step."""
    common = arguments(work, seed, steps, prompts, rate)
    config = SFTConfig(**common, completion_only_loss=True, max_length=None)
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=data.select_columns(["prompt", "completion", "image"]),
        processing_class=processor,
        callbacks=[LogCallback(log, "sft")],
        optimizers=optimizers(model, rate, steps),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    trained(model)
