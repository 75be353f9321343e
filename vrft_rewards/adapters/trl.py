"""TRL's `GRPOTrainer`: a reward function over dataset columns.

TRL calls `reward_func(prompts=, completions=, completion_ids=, <columns>=, log_metric=, log_extra=, ...)` and takes
one float, or None for "doesn't apply", per completion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..rewards import Reward


@dataclass(frozen=True)
class TaskReward:
    """A reward, and the dataset column that holds its truth."""

    reward: Reward
    column: str


@dataclass
class TrlReward:
    """A reward function for `GRPOTrainer(reward_funcs=[...])`, for one task or several mixed in one dataset.

    `tasks` maps the value of the `task` column to a `TaskReward`; with a single entry the column may be missing.
    The mean of every part is logged as `reward_parts/<task>/<part>`, the reasons as a column of the completions table.

    Raises ValueError when a row names an unknown task or a truth column is missing: a bad truth must stop the
    training, a bad completion must not.

    >>> from vrft_rewards import DetectionReward
    >>> reward = TrlReward({"detection": TaskReward(DetectionReward(), "boxes")})
    >>> good = "<think>one</think><answer>[{'Position': [0, 0, 9, 9], 'Confidence': 1.0}]</answer>"
    >>> reward(completions=[good, "no idea"], boxes=[[[0, 0, 9, 9]], [[0, 0, 9, 9]]])
    [3.0, 0.0]
    """

    tasks: Mapping[str, TaskReward]
    __name__: str = field(default="verifiable_reward", repr=False)

    def __call__(
        self,
        *,
        completions: Sequence[Any],
        log_metric: Callable[[str, float], None] | None = None,
        log_extra: Callable[[str, list[str]], None] | None = None,
        **columns: Any,
    ) -> list[float]:
        """Score every completion against the truth in its row."""
        names = columns.get("task") or [next(iter(self.tasks))] * len(completions)
        values, reasons = [], []
        parts: dict[str, list[float]] = defaultdict(list)
        for row, (completion, name) in enumerate(zip(completions, names, strict=True)):
            task = self.tasks.get(name)
            if task is None:
                raise ValueError(f"row {row}: task is {name!r}; the rewards are for {', '.join(self.tasks)}")
            if task.column not in columns:
                raise ValueError(f"the dataset has no column {task.column!r}, which holds the truth of {name!r}")
            score = task.reward.score(completion, columns[task.column][row])
            values.append(score.value)
            reasons.append(score.reason)
            for part, value in score.parts.items():
                parts[f"reward_parts/{name}/{part}"].append(value)
        if log_metric is not None:
            for part, items in parts.items():
                log_metric(part, sum(items) / len(items))
        if log_extra is not None:
            log_extra("reason", reasons)
        return values
