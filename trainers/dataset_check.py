"""Whether every row of a data set holds what its reward needs. Asked before any model is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset
from datasets import Image as ImageFeature

from trainers.recipe import Recipe
from vrft_eval.errors import InputError, first_line, nearest
from vrft_rewards import ClassificationReward, Reward, Status, parse_box, parse_detections, parse_label, parse_response
from vrft_rewards.answers import IssueKind
from vrft_rewards.profiles import TASKS

_TRUTHS = {"detection": "boxes", "classification": "label", "grounding": "box"}
_MIXED = "; where tasks are mixed, the data needs a column task"
_HARMLESS = {IssueKind.CONFIDENCE_MISSING}
_THREADS = 8
_MAX_ASPECT_RATIO = 200  # Qwen's image processors refuse more, in the middle of a run


@dataclass(frozen=True)
class Rows:
    """What the rows say, without their images. `fields` is the column in which a row's truth was found."""

    ids: list[str]
    problems: list[str]
    tasks: list[str]
    truths: list[Any]
    fields: list[str]
    declared: list[tuple[int | None, int | None]]
    """Width and height as the columns say."""
    spaces: bool
    """Whether a column says in which space the truth is."""


def read_rows(data: Dataset, recipe: Recipe) -> Rows:
    """Read tasks and truths: from the typed columns, or out of `solution` where there are none.

    Raises InputError for a missing column, a missing or unknown task, and a row without a truth of its task.
    """
    for name in ("image", "problem"):
        if name not in data.column_names:
            raise InputError(f"there is no column {name!r}, only {', '.join(data.column_names)}", file=recipe.data)
    names = [name for name in data.column_names if name not in ("image", "thinking")]
    columns: dict[str, list[Any]] = {name: list(data.select_columns([name])[name]) for name in names}
    count = len(data)
    tasks = _tasks(columns, count, recipe)
    _check_space(columns.get("space"), tasks, recipe)
    rows = Rows([], [], tasks, [], [], [], spaces=any(columns.get("space", ())))
    for row, task in enumerate(tasks):
        problem = columns["problem"][row]
        if not isinstance(problem, str) or not problem.strip():
            raise _error(recipe, row, "problem", "expected the text of the question", problem)
        field, truth = _truth(columns, row, task, recipe)
        own = columns["id"][row] if "id" in columns else None
        rows.ids.append(str(row) if own is None else str(own))
        rows.problems.append(problem)
        rows.truths.append(truth)
        rows.fields.append(field)
        width, height = (columns[side][row] if side in columns else None for side in ("width", "height"))
        rows.declared.append((width, height))
    return rows


def image_sizes(data: Dataset, name: str) -> list[tuple[int, int]]:
    """Decode every image as the trainer will, and return their (width, height).

    Raises InputError that names the row of one that is absent, broken, or too narrow for the models.
    """
    feature = ImageFeature()
    try:
        raw = data.select_columns(["image"]).cast_column("image", ImageFeature(decode=False))
    except Exception as error:  # whatever pyarrow says of the column's type
        found = data.features["image"]
        raise InputError(f"a column of {found} can't be read as images", file=name, field="image") from error

    def size(item: tuple[int, Any]) -> tuple[int, int]:
        row, value = item
        if value is None:
            raise InputError("is missing", file=name, field=f"row {row}, image")
        try:
            width, height = feature.decode_example(value).size
        except Exception as error:  # Pillow's decoders raise whatever their formats make them
            raise InputError(f"can't be opened: {first_line(error)}", file=name, field=f"row {row}, image") from None
        if max(width, height) > _MAX_ASPECT_RATIO * min(width, height):
            message = f"{width} x {height} is beyond an aspect ratio of {_MAX_ASPECT_RATIO}"
            raise InputError(message, file=name, field=f"row {row}, image")
        return width, height

    with ThreadPoolExecutor(_THREADS) as pool:
        sizes: list[tuple[int, int]] = []
        for batch in raw.iter(8 * _THREADS):  # no more than a batch of undecoded files is held
            sizes += pool.map(size, enumerate(batch["image"], start=len(sizes)))
    return sizes


def check_truths(rows: Rows, sizes: Sequence[tuple[int, int]], rewards: Mapping[str, Reward], recipe: Recipe) -> None:
    """Check every truth against its image and its reward.

    Raises InputError that names the row and the field: for a size that isn't the image's, a box outside of the image
    or of the recipe's space, and whatever the reward itself refuses.
    """
    space = recipe.truth_space or recipe.space
    largest, fits, unlikely = 0.0, True, 0.0
    for row, (task, truth, field, size) in enumerate(zip(rows.tasks, rows.truths, rows.fields, sizes, strict=True)):
        for side, declared, actual in zip(("width", "height"), rows.declared[row], size, strict=True):
            if declared is not None and declared != actual:
                raise _error(recipe, row, side, f"the image is {size[0]} x {size[1]}", declared)
        try:
            rewards[task].score("", truth, size)
        except ValueError as error:
            hint = ""
            reward = rewards[task]
            if isinstance(reward, ClassificationReward) and reward.matcher is not None and isinstance(truth, str):
                hint = f"; {nearest(truth, list(reward.matcher.labels))}"
            raise _error(recipe, row, field, f"{error}{hint}", truth) from None
        if task == "classification":
            continue
        limits = {"norm1000": (1000, 1000), "norm1": (1, 1), "pixels": size}.get(space)
        for x1, y1, x2, y2 in _corners(recipe, row, field, truth, task):
            largest = max(largest, x2, y2)
            fits &= x2 <= size[0] and y2 <= size[1]
            unlikely -= sum(math.log(min(1.0, side / 1000)) for side in size)
            if not (x1 < x2 and y1 < y2):
                raise _error(recipe, row, field, "a box needs x1 < x2 and y1 < y2", [x1, y1, x2, y2])
            if limits is not None and (min(x1, y1) < 0 or x2 > limits[0] or y2 > limits[1]):
                message = f"reaches outside {limits[0]} x {limits[1]}, which is the whole image in {space!r}"
                raise _error(recipe, row, field, message, [x1, y1, x2, y2])
    if space != "norm1" and 0 < largest <= 1:
        raise InputError(f"no coordinate is above 1, so this is 'norm1', not {space!r}", file=recipe.data)
    # In thousandths, boxes would have to keep to the upper left of all their images; the odds are below 1 in 10,000.
    if space == "norm1000" and recipe.truth_space is None and not rows.spaces and fits and unlikely > 9:
        message = (
            "every box lies within its image in pixels: say truth_space=pixels, or truth_space=norm1000 if it isn't so"
        )
        raise InputError(message, file=recipe.data)


def _corners(recipe: Recipe, row: int, field: str, truth: Any, task: str) -> list[list[float]]:
    boxes = [truth] if task == "grounding" else truth
    if boxes == []:
        return []
    try:
        corners = np.asarray(boxes, dtype=np.float64)
    except (TypeError, ValueError):
        corners = np.empty(0)
    if corners.ndim != 2 or corners.shape[1] != 4:
        expected = "[x1, y1, x2, y2]" if task == "grounding" else "[[x1, y1, x2, y2], ...]"
        raise _error(recipe, row, field, f"expected {expected}", truth)
    found: list[list[float]] = corners.tolist()
    return found


def _tasks(columns: Mapping[str, list[Any]], count: int, recipe: Recipe) -> list[str]:
    if "task" not in columns:
        if recipe.task is None:
            raise InputError(
                "there is no column 'task', and the recipe names no task that all rows have", file=recipe.data
            )
        return [recipe.task] * count
    for row, task in enumerate(columns["task"]):
        if task not in TASKS:
            raise _error(recipe, row, "task", f"expected one of {', '.join(TASKS)}", task)
        if recipe.task is not None and task != recipe.task:
            raise _error(recipe, row, "task", f"the recipe says that every row is {recipe.task}", task)
    return columns["task"]


def _check_space(spaces: list[Any] | None, tasks: list[str], recipe: Recipe) -> None:
    expected = recipe.truth_space or recipe.space
    for row, (space, task) in enumerate(zip(spaces or (), tasks, strict=False)):
        if task != "classification" and space is not None and space != expected:
            message = f"the recipe's truth_space is {expected!r}; the truth is in another one"
            raise _error(recipe, row, "space", message, space)


def _truth(columns: Mapping[str, list[Any]], row: int, task: str, recipe: Recipe) -> tuple[str, Any]:
    field = _TRUTHS[task]
    if field in columns and columns[field][row] is not None:
        return field, _plain(columns[field][row])
    others = [name for name in _TRUTHS.values() if name in columns and columns[name][row] is not None]
    if others:
        message = f"is missing, while {others[0]} is there; the row's task is {task}"
        raise _error(recipe, row, field, message + ("" if "task" in columns else _MIXED))
    if "solution" not in columns:
        raise _error(recipe, row, field, f"is missing, and there is no solution; the row's task is {task}")
    solution = columns["solution"][row]
    if not isinstance(solution, str) or not solution.strip():
        raise _error(recipe, row, "solution", "expected the right answer", solution)
    truth = _solved(solution, task, recipe)
    if truth is None:
        message = f"no {task} truth can be read from it" + ("" if "task" in columns else _MIXED)
        raise _error(recipe, row, "solution", message, solution)
    return "solution", truth


def _solved(solution: str, task: str, recipe: Recipe) -> Any:
    """The truth that a right answer states, None where it can't be read without a doubt."""
    response = parse_response(solution)
    answer = solution if response.answer is None else response.answer
    space = recipe.truth_space or recipe.space
    if task == "classification":
        label = parse_label(answer)
        other = parse_detections(answer).status in (Status.BOXES, Status.NO_OBJECTS)
        return label.text if label.status is Status.LABEL and not label.issues and not other else None
    if task == "grounding":
        found = parse_box(answer, space, out_of_range="keep")
        return None if found.box is None or found.issues else found.box.tolist()
    boxes = parse_detections(answer, space, out_of_range="keep")
    if boxes.status is Status.NO_OBJECTS:
        return []
    doubts = [issue for issue in boxes.issues if issue.kind not in _HARMLESS]
    return boxes.boxes.tolist() if boxes.status is Status.BOXES and not doubts else None


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _error(recipe: Recipe, row: int, field: str, message: str, *value: Any) -> InputError:
    got = {"value": value[0]} if value else {}
    return InputError(message, file=recipe.data, field=f"row {row}, {field}", **got)
