"""One row of a training set: an image, the question, the right answer, and the truth that the reward takes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from vrft_eval.errors import InputError
from vrft_eval.samples import Boxes, Kind, Sample
from vrft_rewards import from_pixels
from vrft_rewards.adapters.options import make_reward
from vrft_rewards.rewards import Reward

RowSpace = Literal["norm1000", "pixels"]
SPACES: tuple[RowSpace, ...] = get_args(RowSpace)
WIDENED = "boxes thinner than a whole number were widened to the whole numbers around them"


@dataclass(frozen=True)
class Row:
    """A question with its truth; boxes are whole numbers xyxy in `space`, size is (width, height).

    Of boxes, label and box the one of the task is given: boxes for detection ([] where there are none), label for
    classification, box for grounding.
    """

    id: str
    image: Path
    size: tuple[int, int]
    problem: str
    task: Kind
    category: str
    space: RowSpace
    boxes: list[list[float]] | None = None
    label: str | None = None
    box: list[float] | None = None

    @property
    def truth(self) -> list[list[float]] | list[float] | str:
        """What the reward of the task takes."""
        truth = {"detection": self.boxes, "classification": self.label, "grounding": self.box}[self.task]
        if truth is None:
            raise ValueError(f"row {self.id!r} has no truth of its task {self.task}")
        return truth

    @property
    def solution(self) -> str:
        """The right answer, as in Visual-RFT's training sets: without thinking, every confidence 1.0.

        >>> Row("7:1", Path("a.png"), (9, 9), "?", "detection", "cat", "norm1000", boxes=[[1, 2, 30, 40]]).solution
        "<answer>[{'Position': [1, 2, 30, 40], 'Confidence': 1.0}]</answer>"
        """
        if self.task == "classification":
            return f"<answer>{self.label}</answer>"
        if self.task == "grounding":
            x1, y1, x2, y2 = map(int, self.box or ())
            return f"<answer>({x1},{y1}),({x2},{y2})</answer>"
        items = [f"{{'Position': {[int(value) for value in box]}, 'Confidence': 1.0}}" for box in self.boxes or ()]
        return f"<answer>{'[' + ', '.join(items) + ']' if items else 'No Objects'}</answer>"

    @property
    def truth_text(self) -> str:
        """The truth with its task and image size as one text, for frameworks that carry one: `read_truth` reads it."""
        return json.dumps({"task": self.task, "truth": self.truth, "image_size": list(self.size)})


def row_of(sample: Sample, space: RowSpace, counts: Counter[str], *, problem: str | None = None) -> Row:
    """Turn a question of the harness into a row; problem is what is asked instead of its prompt.

    counts takes what was changed. Raises InputError for a sample of grounding without a box.
    """
    row = Row(
        sample.id,
        sample.image,
        sample.size,
        sample.prompt if problem is None else problem,
        sample.kind,
        sample.category or "",
        space,
    )
    if sample.kind == "classification":
        return replace(row, label=sample.label)
    boxes = whole_boxes(sample.boxes, sample.size, space, counts)
    if sample.kind == "detection":
        return replace(row, boxes=boxes)
    if not boxes:
        raise InputError("there is nothing to find, so there is no box to train on", field=sample.id)
    return replace(row, box=boxes[0])


def whole_boxes(boxes: Boxes, size: tuple[int, int], space: RowSpace, counts: Counter[str]) -> list[list[float]]:
    """Bring boxes (m, 4) from pixels to whole numbers of a space: what the prompt asks for, so what can be answered.

    A side that rounds to nothing is widened to the whole numbers around it, and counted.

    >>> whole_boxes(np.array([[8.0, 8.0, 8.2, 12.0]]), (100, 100), "norm1000", Counter())
    [[80.0, 80.0, 82.0, 120.0]]
    >>> whole_boxes(np.array([[8.1, 8.0, 8.2, 12.0]]), (100, 100), "pixels", Counter())
    [[8.0, 8.0, 9.0, 12.0]]
    """
    scaled = from_pixels(boxes, space, size).reshape(-1, 4)
    low, high = np.rint(scaled[:, :2]), np.rint(scaled[:, 2:])
    thin = low >= high
    low, high = np.where(thin, np.floor(scaled[:, :2]), low), np.where(thin, np.ceil(scaled[:, 2:]), high)
    counts[WIDENED] += int(thin.any(axis=1).sum())
    whole: list[list[float]] = np.concatenate([low, high], axis=1).tolist()
    return whole


def check_solutions(rows: Iterable[Row], labels: Sequence[str] | None) -> None:
    """Score every row's own solution: it must earn all there is, or no completion could.

    labels are the classes. Raises InputError that names the first row that doesn't.
    """
    rewards: dict[str, Reward] = {}
    for row in rows:
        if row.task not in rewards:
            closed = row.task == "classification"
            options: dict[str, Any] = {"labels": labels} if closed else {"space": row.space}
            rewards[row.task] = make_reward(row.task, **options)
        reward = rewards[row.task]
        try:
            score = reward.score(f"<think>It is there.</think>{row.solution}", row.truth, row.size)
        except ValueError as error:
            raise InputError(str(error), field=f"row {row.id!r}") from None
        if score.value < reward.bounds[1]:
            message = f"even the right answer earns only {score.value:g} of {reward.bounds[1]:g}: {score.reason}"
            raise InputError(message, field=f"row {row.id!r}", value=row.truth)
