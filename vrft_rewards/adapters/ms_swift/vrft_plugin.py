"""ms-swift 4: reward classes for `--external_plugins FILE --reward_funcs vrft_detection` (or another name below).

`vrft_detection`, `vrft_classification` and `vrft_grounding` score one task each, `vrft` the task that a row's `task`
column names. Options come from the environment (`environment_options`), the truth from the column `solution` or the one
that VRFT_REWARD_TRUTH_COLUMN names. Loaded by path, so imports are absolute.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

from vrft_rewards.adapters.options import TASKS, environment_options, rewards_for

__all__ = ["ClassificationORM", "DetectionORM", "GroundingORM", "VrftORM", "register"]


class VrftORM:
    """Score completions against columns of the data set; a row whose ``task`` is None gets None.

    Raises ValueError for a bad option when it is made, and for a bad truth, naming row and column, when it is called.
    """

    task: str | None = None

    def __init__(self, args: object = None, **_: object) -> None:
        self.args = args
        options = environment_options(extra=("truth_column",))
        self.column = options.pop("truth_column", "solution")
        # One environment serves all the names, so a name's own task wins.
        if self.task is not None:
            options["task"] = self.task
        self.rewards = rewards_for(options, default_task=",".join(TASKS))

    def __call__(self, completions: Sequence[object], **columns: Any) -> list[float | None]:
        """Return a reward for each completion."""
        count = len(completions)
        if self.column not in columns:
            raise ValueError(
                f"{self.column}: the data set has no such column for the truth; see VRFT_REWARD_TRUTH_COLUMN"
            )
        truths = columns[self.column]
        tasks = [self.task] * count if self.task is not None else columns.get("task")
        sizes = columns.get("image_size") or [None] * count
        values: list[float | None] = []
        for row, completion in enumerate(completions):
            if tasks is not None and tasks[row] is None:
                values.append(None)
                continue
            task = None if tasks is None else tasks[row]
            values.append(self.rewards.judge(completion, truths[row], task, sizes[row], row).score.value)
        return values


class DetectionORM(VrftORM):
    """The detection reward."""

    task = "detection"


class ClassificationORM(VrftORM):
    """The classification reward."""

    task = "classification"


class GroundingORM(VrftORM):
    """The grounding reward."""

    task = "grounding"


def register() -> None:
    """Enter the classes into ms-swift's table of reward functions."""
    from swift.rewards import orms  # type: ignore[import-not-found]

    orms["vrft"] = VrftORM
    orms["vrft_detection"] = DetectionORM
    orms["vrft_classification"] = ClassificationORM
    orms["vrft_grounding"] = GroundingORM


if importlib.util.find_spec("swift") is not None:
    register()
