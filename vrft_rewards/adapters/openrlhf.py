"""OpenRLHF: a reward function in a file, and what `vrft-rewards serve` answers to its HTTP calls.

`--reward.remote_url FILE` with the FILE that `vrft-rewards path openrlhf` prints. OpenRLHF passes no options to
it, so they come from the environment (`environment_options`); a file of one's own can call `make_reward_func`.
Loaded by path, so imports are absolute.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from vrft_rewards.adapters.options import TaskRewards, environment_options, rewards_for

__all__ = ["END_TOKENS", "make_reward_func", "response_of", "reward_func", "score_queries"]

END_TOKENS = (
    "<|im_end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end|>",
    "<|return|>",
    "<|end_of_sentence|>",
    "<｜end▁of▁sentence｜>",
    "<end_of_turn>",
    "<|pad|>",
    "<pad>",
    "<eos>",
    "</s>",
)
"""Tokens that end a response. OpenRLHF decodes with special tokens, and text after the answer costs the format part."""

_TAIL = 64
_IMAGE = re.compile(r"<\|[a-z_]{1,20}pad\|>|<image>")


def response_of(query: str, prompt: str) -> str:
    """Return the response in a query: what follows the prompt, without the tokens that end it.

    The prompt may have lost its beginning, and an image token of it may have become many, so where the query doesn't
    begin with the prompt its last part is looked for. Raises ValueError when the query doesn't hold the prompt.

    >>> response_of("<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\nYes<|im_end|>\\n",
    ...             "<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\n")
    'Yes'
    """
    start = len(prompt) if query.startswith(prompt) else _end_of_prompt(query, prompt)
    end = len(query)
    while True:
        while end > start and query[end - 1].isspace():
            end -= 1
        for token in END_TOKENS:
            if end - len(token) >= start and query.endswith(token, start, end):
                end -= len(token)
                break
        else:
            return query[start:end]


def _end_of_prompt(query: str, prompt: str) -> int:
    # What follows the last image is unchanged. The first place counts: the response may repeat the prompt.
    after_images = _IMAGE.split(prompt)[-1]
    for tail in (after_images, after_images[-_TAIL:]):
        found = query.find(tail) if tail else -1
        if found >= 0:
            return found + len(tail)
    raise ValueError(f"query: doesn't hold its prompt, which ends with {prompt[-_TAIL:]!r}")


def score_queries(
    rewards: TaskRewards, queries: Sequence[object], prompts: Sequence[object], labels: Sequence[object]
) -> dict[str, Any]:
    """Return OpenRLHF's answer as lists: ``rewards``, ``scores`` in [0, 1], ``extra_logs`` (a list for each part).

    Raises ValueError naming the row for a bad label (the truth, see `read_truth`) or a query without its prompt.
    """
    for name, items in (("prompts", prompts), ("labels", labels)):
        if len(items) != len(queries):
            raise ValueError(f"{name}: expected {len(queries)}, one a query, got {len(items)}")
    values, units = [], []
    parts: dict[str, list[float]] = {name: [] for name in rewards.names}
    for row, (query, prompt, label) in enumerate(zip(queries, prompts, labels, strict=True)):
        if not isinstance(query, str) or not isinstance(prompt, str):
            raise ValueError(f"row {row}: query and prompt: expected texts")  # noqa: TRY004
        try:
            response = response_of(query, prompt)
        except ValueError as error:
            raise ValueError(f"row {row}: {error}") from None
        score, unit = rewards.judge(response, label, row=row)
        values.append(score.value)
        units.append(unit)
        for name, value in rewards.numbers(score).items():
            parts[name].append(value)
    return {"rewards": values, "scores": units, "extra_logs": parts}


def make_reward_func(**options: Any) -> Callable[..., dict[str, Any]]:
    """Return a ``reward_func`` with the options of `make_reward`, for a file of one's own.

    Raises ValueError for a bad option.
    """
    rewards = rewards_for(options)

    def reward_func(
        queries: Sequence[object], prompts: Sequence[object], labels: Sequence[object], **_: object
    ) -> dict[str, Any]:
        # OpenRLHF wants tensors here, and has torch; this package doesn't, so it is looked up by name.
        tensor = importlib.import_module("torch").tensor
        answer = score_queries(rewards, queries, prompts, labels)
        return {
            "rewards": tensor(answer["rewards"]),
            "scores": tensor(answer["scores"]),
            "extra_logs": {name: tensor(values) for name, values in answer["extra_logs"].items()},
        }

    return reward_func


@functools.lru_cache(maxsize=1)
def _from_environment() -> Callable[..., dict[str, Any]]:
    return make_reward_func(**environment_options())


def reward_func(
    queries: Sequence[object], prompts: Sequence[object], labels: Sequence[object], **others: object
) -> dict[str, Any]:
    """Score queries with the options of the environment: tensors under ``rewards``, ``scores`` and ``extra_logs``.

    Raises ValueError as `score_queries`, and for a bad option.
    """
    return _from_environment()(queries, prompts, labels, **others)
