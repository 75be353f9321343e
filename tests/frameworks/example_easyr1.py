"""EasyR1's example, with a checkout: its launch line up to Ray, its data, its reward manager on recorded answers."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from examples import CHECKPOINT, SETS, Row, check_prompt, check_rewards, launch_line, prepared
from until_ray import configuration


def old_form(folder: Path) -> None:
    """Write the small checkpoint's processor as transformers 4 reads it, which EasyR1 wants; nothing else differs."""
    for name in ("tokenizer.json", "chat_template.jinja", "config.json"):
        shutil.copy(CHECKPOINT / name, folder)
    settings = json.loads((CHECKPOINT / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings["additional_special_tokens"] = settings.pop("extra_special_tokens")
    settings["tokenizer_class"] = "Qwen2TokenizerFast"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    images = json.loads((CHECKPOINT / "processor_config.json").read_text(encoding="utf-8"))["image_processor"]
    images["processor_class"] = "Qwen2VLProcessor"
    (folder / "preprocessor_config.json").write_text(json.dumps(images), encoding="utf-8")


def load(model: Path) -> Any:
    """Run the launch line up to Ray; returns the configuration, which EasyR1 has checked."""
    overrides = [
        f"data.train_files={SETS}/shapes-easyr1/train.parquet",
        f"worker.actor.model.model_path={model}",
        "data.filter_overlong_prompts_workers=1",
    ]
    arguments = launch_line("easyr1", "python", "-m", "verl.trainer.main")
    config = configuration(
        "verl.trainer.main", [*arguments, *overrides], "main", "ppo_config", absent=("vllm", "flash_attn")
    )
    print("launch line: merged into EasyR1's dataclasses, which refuse unknown keys, and checked by it up to Ray")
    return config


def check(config: Any, rows: list[Row]) -> None:
    """Take every row through EasyR1's data loader and reward manager."""
    import numpy as np
    import torch
    from verl.protocol import DataProto  # type: ignore[import-not-found]
    from verl.trainer.data_loader import create_dataloader  # type: ignore[import-not-found]
    from verl.utils.tokenizer import get_processor, get_tokenizer  # type: ignore[import-not-found]
    from verl.workers.reward.function import AutoRewardManager  # type: ignore[import-not-found]

    model = config.worker.actor.model.model_path
    tokenizer, processor = get_tokenizer(model, use_fast=True), get_processor(model, use_fast=True)
    train, _ = create_dataloader(config.data, tokenizer, processor)
    assert len(train.dataset) == len(rows), "rows were filtered"
    truths = []
    for number, row in enumerate(rows):
        item = train.dataset[number]
        assert item["id"] == row.id
        check_prompt(tokenizer.decode(item["input_ids"][item["attention_mask"].bool()]), row)
        assert len(item["multi_modal_data"]["images"]) == 1
        truths.append(item["ground_truth"])
    answers = [tokenizer.encode(row.answer) for row in rows]
    width = max(map(len, answers))
    batch = DataProto.from_dict(
        tensors={
            "responses": torch.tensor([ids + [tokenizer.pad_token_id] * (width - len(ids)) for ids in answers]),
            "response_mask": torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in answers]),
        },
        non_tensors={"ground_truth": np.array(truths, dtype=object)},
    )
    rewards, _ = AutoRewardManager(config.worker.reward, tokenizer).compute_reward(batch)
    print(f"data: {len(rows)} rows by EasyR1's data loader, prompts as vrft-eval's, an image each")
    check_rewards(rewards.sum(dim=1).tolist(), rows, "reward")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        old_form(Path(folder))
        check(load(Path(folder)), prepared())
