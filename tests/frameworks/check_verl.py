"""verl: its configuration, loader, per-sample and batch managers, on token ids as a rollout leaves them."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

from common import COMPLETIONS, PARTS, TRUTH_TEXT, check_same, refused
from tiny_tokenizer import make_tokenizer

from vrft_rewards.adapters import path_of


def main() -> None:
    """Run the check."""
    import numpy as np
    import torch
    from hydra import compose, initialize_config_module  # type: ignore[import-not-found]
    from verl import DataProto  # type: ignore[import-not-found]
    from verl.trainer.ppo.reward import get_custom_reward_fn, load_reward_manager  # type: ignore[import-not-found]
    from verl.workers.reward_manager.batch import BatchRewardManager  # type: ignore[import-not-found]

    print(f"verl {version('verl')}, torch {torch.__version__}")
    tokenizer = make_tokenizer()
    answers = [tokenizer(text)["input_ids"] for text in COMPLETIONS]
    width = max(map(len, answers))
    padded = torch.tensor([ids + [tokenizer.pad_token_id] * (width - len(ids)) for ids in answers])
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in answers])
    count = len(COMPLETIONS)
    prompts = torch.ones((count, 3), dtype=torch.long)

    def batch() -> Any:
        return DataProto.from_dict(
            tensors={"prompts": prompts, "responses": padded, "attention_mask": torch.cat([prompts, mask], dim=1)},
            non_tensors={
                "data_source": np.array(["shapes"] * count, dtype=object),
                "reward_model": np.array([{"style": "rule", "ground_truth": TRUTH_TEXT}] * count, dtype=object),
                "extra_info": np.array([{"index": row} for row in range(count)], dtype=object),
            },
        )

    for path in ("pkg://vrft_rewards.adapters.verl", str(path_of("verl"))):
        # verl's own configuration with the overrides that docs/frameworks/verl.md gives.
        overrides = [
            f"reward.custom_reward_function.path={path}",
            "reward.custom_reward_function.name=compute_score",
            "+reward.custom_reward_function.reward_kwargs.task=detection",
            "+reward.custom_reward_function.reward_kwargs.profile=default",
        ]
        with initialize_config_module("verl.trainer.config", version_base=None):
            config = compose("ppo_trainer", overrides)
        manager = load_reward_manager(config, tokenizer)
        data = batch()
        results = [manager.loop.run_until_complete(manager.run_single(data[row : row + 1])) for row in range(count)]
        check_same([result["reward_score"] for result in results], f"naive manager, {path[:6]}...")
        assert {tuple(result["reward_extra_info"]) for result in results} == {("score", *PARTS)}
        scores = manager.assemble_rm_scores(data, [result["reward_score"] for result in results])
        check_same(scores.sum(dim=1).tolist(), "  as token rewards")

    config.reward.custom_reward_function.name = "compute_score_batch"
    legacy = BatchRewardManager(tokenizer, num_examine=0, compute_score=get_custom_reward_fn(config))
    answer = legacy(batch(), return_dict=True)
    check_same(answer["reward_tensor"].sum(dim=1).tolist(), "batch manager")
    assert {name: len(values) for name, values in answer["reward_extra_info"].items()} == dict.fromkeys(
        ("score", *PARTS), count
    )

    bad = batch()
    bad.non_tensor_batch["reward_model"][2] = {"ground_truth": "[[5, 5, 1, 1]]"}
    with refused(ValueError, "row 2"):
        legacy(bad)


if __name__ == "__main__":
    asyncio.set_event_loop(asyncio.new_event_loop())
    main()
