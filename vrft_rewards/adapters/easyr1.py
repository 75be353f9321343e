"""EasyR1: a batch reward function in a real file.

`worker.reward.reward_function=FILE:compute_score` with the FILE that `vrft-rewards path easyr1` prints, and the options
of `make_reward` under `worker.reward.reward_function_kwargs`. Loaded by path, so imports are absolute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vrft_rewards.adapters.options import rewards_for

__all__ = ["REWARD_NAME", "REWARD_TYPE", "compute_score"]

REWARD_NAME = "vrft"
REWARD_TYPE = "batch"


def compute_score(reward_inputs: Sequence[Mapping[str, Any]], **options: Any) -> list[dict[str, float]]:
    """Score a batch of ``{"response", "response_length", "ground_truth"}``: ``overall`` and the parts for each.

    ``options`` are those of `make_reward`. Raises ValueError for a bad truth, naming the row, or a bad option.

    >>> row = {"response": "<think>Red.</think><answer>Rose</answer>", "response_length": 9, "ground_truth": "rose"}
    >>> compute_score([row], task="classification", labels=["rose", "tulip"])
    [{'overall': 2.0, 'accuracy': 1.0, 'format': 1.0}]
    """
    rewards = rewards_for(options)
    scored = []
    for row, item in enumerate(reward_inputs):
        if "ground_truth" not in item:
            raise ValueError(f"row {row}: ground_truth: missing; the fields are {', '.join(item)}")
        score = rewards.judge(item.get("response"), item["ground_truth"], row=row).score
        scored.append({"overall": score.value, **rewards.numbers(score)})
    return scored
