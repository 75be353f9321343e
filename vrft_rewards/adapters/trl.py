"""TRL's `GRPOTrainer`: a reward function over dataset columns.

TRL calls `reward_func(prompts=, completions=, completion_ids=, <columns>=, log_metric=, log_extra=, ...)` and takes
one float, or None for "doesn't apply", per completion.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from vrft_rewards.adapters.options import TASKS, environment_options, make_reward
from vrft_rewards.coordinates import ImageSize
from vrft_rewards.rewards import Reward
from vrft_rewards.scores import Score

__all__ = ["Judged", "TaskReward", "TrlReward", "reward", "trl_reward"]


@dataclass(frozen=True)
class TaskReward:
    """A reward, the column that holds its truth, and the one that holds (width, height), used if it is there."""

    reward: Reward
    column: str
    size_column: str = "image_size"


class Judged(NamedTuple):
    """One completion's task and score."""

    task: str
    score: Score


@dataclass
class TrlReward:
    """A reward function for `GRPOTrainer(reward_funcs=[...])`, for one task or several mixed in one dataset.

    `tasks` maps the value of the `task` column to a `TaskReward`; with a single entry the column may be missing. A row
    whose task is None gets None, which TRL leaves out.
    The mean of every part is logged as `reward_parts/<task>/<part>`, the reasons as a column of the completions table.

    Raises ValueError naming the row for an unknown task or a bad truth, and for a missing truth column: a bad truth
    must stop the training, a bad completion must not.

    >>> from vrft_rewards import DetectionReward
    >>> reward = TrlReward({"detection": TaskReward(DetectionReward(), "boxes")})
    >>> good = "<think>one</think><answer>[{'Position': [0, 0, 9, 9], 'Confidence': 1.0}]</answer>"
    >>> reward(completions=[good, "no idea"], boxes=[[[0, 0, 9, 9]], [[0, 0, 9, 9]]])
    [3.0, 0.0]
    """

    tasks: Mapping[str, TaskReward]
    name: str = "verifiable_reward"
    """What TRL's logs call it: `rewards/<name>/mean`."""

    def __post_init__(self) -> None:
        if not self.tasks:
            raise ValueError("tasks: there are none")
        self.__name__ = self.name  # where TRL looks

    def __call__(
        self,
        *,
        completions: Sequence[Any],
        log_metric: Callable[[str, float], None] | None = None,
        log_extra: Callable[[str, list[str]], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """Score every completion against the truth in its row."""
        judged = self.judged(completions, columns)
        parts: dict[str, list[float]] = defaultdict(list)
        for item in judged:
            if item is not None:
                for part, value in item.score.parts.items():
                    parts[f"reward_parts/{item.task}/{part}"].append(value)
        if log_metric is not None:
            for part, items in parts.items():
                log_metric(part, sum(items) / len(items))
        if log_extra is not None:
            log_extra("reason", ["no task" if item is None else item.score.reason for item in judged])
        return [None if item is None else item.score.value for item in judged]

    def judged(self, completions: Sequence[Any], columns: Mapping[str, Any]) -> list[Judged | None]:
        """Return each completion's task and score, None for a row without a task. Raises ValueError as above."""
        names = columns.get("task")
        if names is None:
            names = self._only_task(len(completions))
        judged: list[Judged | None] = []
        for row, (completion, name) in enumerate(zip(completions, names, strict=True)):
            if name is None:
                judged.append(None)
                continue
            task = self.tasks.get(name)
            if task is None:
                raise ValueError(f"row {row}: task is {name!r}; the rewards are for {', '.join(self.tasks)}")
            if task.column not in columns:
                raise ValueError(f"the dataset has no column {task.column!r}, which holds the truth of {name!r}")
            size: ImageSize | None = columns[task.size_column][row] if task.size_column in columns else None
            try:
                judged.append(Judged(name, task.reward.score(completion, columns[task.column][row], size)))
            except ValueError as error:
                raise ValueError(f"row {row}, column {task.column!r}: {error}") from None
        return judged

    def _only_task(self, count: int) -> list[str]:
        if len(self.tasks) > 1:
            raise ValueError(f"the dataset has no column 'task'; the rewards are for {', '.join(self.tasks)}")
        return [next(iter(self.tasks))] * count


def trl_reward(task: str, truth_column: str = "solution", **options: Any) -> TrlReward:
    """Return the reward function of one task, with the options of `make_reward`.

    >>> trl_reward("grounding", truth_column="box", profile="paper").tasks["grounding"].column
    'box'
    """
    return TrlReward({task: TaskReward(make_reward(task, **options), truth_column)})


@functools.lru_cache(maxsize=1)
def _from_environment() -> TrlReward:
    options = environment_options(extra=("truth_column",))
    if "task" not in options:
        raise ValueError(f"VRFT_REWARD_TASK: missing; expected one of {', '.join(TASKS)}")
    return trl_reward(**options)


def reward(**columns: Any) -> list[float | None]:
    """Score with the options of the environment, for `trl grpo --reward_funcs vrft_rewards.adapters.trl.reward`.

    The truth is in the column `solution`, or the one that VRFT_REWARD_TRUTH_COLUMN names. Raises ValueError as
    `TrlReward`.
    """
    return _from_environment()(**columns)
