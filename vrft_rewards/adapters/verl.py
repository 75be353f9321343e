"""verl: a custom reward function, for one sample or for a batch.

`reward.custom_reward_function.path=pkg://vrft_rewards.adapters.verl` and `name=compute_score`, or
`compute_score_batch` for the batch manager, with the options of `make_reward` under `reward_kwargs`.
Loaded by path too, so imports are absolute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vrft_rewards.adapters.options import TaskRewards, rewards_for

__all__ = ["compute_score", "compute_score_batch"]

# What verl itself may pass beside the four arguments; none of it concerns a rule.
_OF_VERL = frozenset(
    {
        "concurrent_semaphore",
        "memory_limit_mb",
        "reward_model_tokenizer",
        "reward_router_address",
        "sandbox_fusion_url",
    }
)


def compute_score(
    data_source: object,  # noqa: ARG001
    solution_str: object,
    ground_truth: object,
    extra_info: Mapping[str, Any] | None = None,
    **options: Any,
) -> dict[str, float]:
    """Score one sample: ``score`` and the parts, the same keys for every sample.

    ``options`` are those of `make_reward`; ``extra_info`` may hold ``image_size``, ``task`` and ``index``. Raises
    ValueError for a bad truth, naming the row by its ``index``, or a bad option.

    >>> compute_score("coco", "<think>1</think><answer>[0, 0, 9, 9]</answer>", "[[0, 0, 9, 9]]", task="detection")
    {'score': 3.0, 'iou': 1.0, 'confidence': 1.0, 'format': 1.0}
    """
    rewards = _rewards(options)
    extra = extra_info or {}
    return _row(rewards, solution_str, ground_truth, extra, extra.get("index"))


def compute_score_batch(
    data_sources: Sequence[object],
    solution_strs: Sequence[object],
    ground_truths: Sequence[object],
    extra_infos: Sequence[Mapping[str, Any] | None] | None = None,
    **options: Any,
) -> list[dict[str, float]]:
    """Score a batch, one dict a sample as `compute_score`. Raises ValueError naming the row."""
    rewards = _rewards(options)
    extras = [None] * len(solution_strs) if extra_infos is None else extra_infos
    for name, items in (("data_sources", data_sources), ("ground_truths", ground_truths), ("extra_infos", extras)):
        if len(items) != len(solution_strs):
            raise ValueError(f"{name}: expected {len(solution_strs)}, one a completion, got {len(items)}")
    rows = enumerate(zip(solution_strs, ground_truths, extras, strict=True))
    return [_row(rewards, text, truth, extra or {}, row) for row, (text, truth, extra) in rows]


def _rewards(options: Mapping[str, Any]) -> TaskRewards:
    return rewards_for({name: value for name, value in options.items() if name not in _OF_VERL})


def _row(rewards: TaskRewards, text: object, truth: object, extra: Mapping[str, Any], row: object) -> dict[str, float]:
    score = rewards.judge(text, truth, extra.get("task"), extra.get("image_size"), row).score
    return {"score": score.value, **rewards.numbers(score)}
