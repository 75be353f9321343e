"""EasyR1, from a checkout: its reward manager, on token ids as a rollout leaves them."""

from __future__ import annotations

from common import COMPLETIONS, PARTS, TRUTH_TEXT, check_same
from tiny_tokenizer import make_tokenizer

from vrft_rewards.adapters import path_of


def main() -> None:
    """Run the check."""
    import numpy as np
    import torch
    import verl  # type: ignore[import-not-found]
    from verl.protocol import DataProto  # type: ignore[import-not-found]
    from verl.workers.reward import config, function  # type: ignore[import-not-found]

    print(f"EasyR1 {verl.__version__}, torch {torch.__version__}")
    tokenizer = make_tokenizer()
    answers = [tokenizer(text)["input_ids"] for text in COMPLETIONS]
    width = max(map(len, answers))
    settings = config.RewardConfig(
        reward_function=f"{path_of('easyr1')}:compute_score", reward_function_kwargs={"task": "detection"}
    )
    settings.post_init()
    manager = function.AutoRewardManager(settings, tokenizer)
    data = DataProto.from_dict(
        tensors={
            "responses": torch.tensor([ids + [tokenizer.pad_token_id] * (width - len(ids)) for ids in answers]),
            "response_mask": torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in answers]),
        },
        non_tensors={"ground_truth": np.array([TRUTH_TEXT] * len(answers), dtype=object)},
    )
    rewards, metrics = manager.compute_reward(data)
    check_same(rewards.sum(dim=1).tolist(), "AutoRewardManager")
    assert {name: len(values) for name, values in metrics.items()} == dict.fromkeys(("overall", *PARTS), len(answers))


if __name__ == "__main__":
    main()
