"""The data of a recipe: opened, checked row by row, and shaped as TRL takes it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict, Features, List, Value, concatenate_datasets, load_dataset, load_from_disk
from datasets import Image as ImageFeature

from trainers.dataset_check import Rows, check_truths, image_sizes, read_rows
from trainers.recipe import Recipe
from vrft_eval.errors import InputError, first_line
from vrft_rewards import Reward
from vrft_rewards.adapters.options import make_reward
from vrft_rewards.adapters.trl import TaskReward
from vrft_rewards.audit.worker import load_target
from vrft_rewards.profiles import TASKS, Task

COLUMNS = {"detection": "boxes", "classification": "label", "grounding": "box"}
"""The column that holds a task's truth."""
HUB = "hub:"
"""What the name of a data set of the Hub begins with: `training-sets/mine` may be either, and isn't guessed."""
_FEATURES = Features(
    {
        "prompt": List({"role": Value("string"), "content": Value("string")}),
        "id": Value("string"),
        "task": Value("string"),
        "boxes": List(List(Value("float64"))),
        "label": Value("string"),
        "box": List(Value("float64")),
        "image_size": List(Value("int64")),
    }
)


@dataclass(frozen=True)
class TrainingSet:
    """Rows that a trainer can take as they are, and the rewards of their tasks."""

    data: Dataset
    rewards: dict[str, TaskReward]


def training_set(recipe: Recipe, *, own: bool = True) -> TrainingSet:
    """Open and check the data of a recipe: every row, every truth, every image.

    Without `own` the recipe's own rewards are left aside: what a right answer is isn't theirs to say. Raises InputError
    that names the row and the field for what the rewards couldn't be computed from.
    """
    data = open_data(recipe)
    rows = read_rows(data, recipe)
    rewards = rewards_of(recipe, rows.tasks, own=own)
    sizes = image_sizes(data, recipe.data)
    check_truths(rows, sizes, {task: reward.reward for task, reward in rewards.items()}, recipe)
    return TrainingSet(_shaped(data, rows, sizes, recipe), rewards)


def rewards_of(recipe: Recipe, tasks: Iterable[str], *, own: bool = True) -> dict[str, TaskReward]:
    """Make the rewards of some tasks. Raises InputError for options that don't fit."""
    if "pixels-resized" in (recipe.space, recipe.truth_space):
        for name in ("min_pixels", "max_pixels"):
            if getattr(recipe, name) is None:
                raise recipe.error("needed for pixels-resized: it decides the size that the model sees", name)
    rewards: dict[str, TaskReward] = {}
    asked = set(tasks)
    for task in (name for name in TASKS if name in asked):
        if task == "classification":
            options: dict[str, Any] = {"labels": recipe.reward.labels, "aliases": recipe.reward.aliases}
        else:
            options = {"space": recipe.space, "truth_space": recipe.truth_space}
            bounds = {"min_pixels": recipe.min_pixels, "max_pixels": recipe.max_pixels}
            options |= {name: value for name, value in bounds.items() if value is not None}
        options |= getattr(recipe.reward, task)
        try:
            reward = make_reward(task, recipe.reward.profile, **options)
        except ValueError as error:
            raise recipe.error(str(error), "reward", task) from None
        named = recipe.reward.own.get(task) if own else None
        rewards[task] = TaskReward(reward if named is None else _own(recipe, task, named), COLUMNS[task])
    known = {part for reward in rewards.values() for part in reward.reward.keys}
    for part in recipe.reward.schedule if own else ():
        if part not in known:
            raise recipe.error(f"no such part, there are {', '.join(sorted(known))}", "reward", "schedule", part)
    return rewards


def _own(recipe: Recipe, task: Task, named: str) -> Reward:
    try:
        found = load_target(named, task, [])
    except Exception as error:  # whatever a file of the user's own does
        raise recipe.error(f"can't be loaded: {first_line(error)}", "reward", "own", task, value=named) from error
    if not isinstance(found, Reward):
        raise recipe.error("isn't a vrft_rewards.Reward", "reward", "own", task, value=named)
    return found


def open_data(recipe: Recipe) -> Dataset:
    """Open a saved data set, a folder of Parquet or JSON Lines, or a data set of the Hub. Raises InputError."""
    folder = Path(recipe.data)
    try:
        if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
            found = load_from_disk(str(folder))
        elif folder.exists():
            found = _from_files(folder)
        elif recipe.data.startswith(HUB):
            found = load_dataset(recipe.data[len(HUB) :])
        else:
            raise recipe.error(f"there is no such folder (of the Hub: {HUB}OWNER/NAME)", "data", value=recipe.data)
    except InputError:
        raise
    except Exception as error:  # every format has errors of its own
        raise recipe.error(f"cannot be read: {first_line(error)}", "data", value=recipe.data) from error
    if isinstance(found, DatasetDict):
        if recipe.split not in found:
            raise recipe.error(f"the data has {', '.join(found)}", "split", value=recipe.split)
        found = found[recipe.split]
    if not len(found):
        raise InputError("holds no rows", file=recipe.data)
    return found


def _from_files(folder: Path) -> Dataset:
    files = sorted(folder.glob("*.parquet")) or sorted((folder / "data").glob("*.parquet"))
    if files:
        return load_dataset("parquet", data_files=[str(file) for file in files], split="train")
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise InputError("holds no data: no saved data set, no .parquet, no .jsonl", file=folder)
    data = load_dataset("json", data_files=[str(file) for file in files], split="train")
    if "image" not in data.column_names:
        return data
    paths = [None if path is None else str(folder / path) for path in data["image"]]
    images = Dataset.from_dict({"image": paths}, features=Features({"image": ImageFeature()}))
    return concatenate_datasets([data.remove_columns("image"), images], axis=1)


def _shaped(data: Dataset, rows: Rows, sizes: list[tuple[int, int]], recipe: Recipe) -> Dataset:
    columns: dict[str, list[Any]] = {
        "prompt": [[{"role": "user", "content": problem}] for problem in rows.problems],
        "id": rows.ids,
        "task": rows.tasks,
        "image_size": [list(size) for size in sizes],
    }
    for task, column in COLUMNS.items():
        columns[column] = [truth if own == task else None for own, truth in zip(rows.tasks, rows.truths, strict=True)]
    kept = [name for name in ("image", "thinking", "category") if name in data.column_names]
    shaped = concatenate_datasets([data.select_columns(kept), Dataset.from_dict(columns, features=_FEATURES)], axis=1)
    if recipe.without_flat is None:
        return shaped
    flat = flat_prompts(Path(recipe.without_flat))
    left = [row for row, name in enumerate(rows.ids) if name not in flat]
    if not left:
        raise recipe.error("no prompt had spread in that run, so none is left", "without_flat")
    return shaped.select(left)


def flat_prompts(run: Path) -> set[str]:
    """The ids whose answers all earned the same in every group of an earlier run. Raises InputError."""
    file = run / "groups.jsonl"
    spreads: dict[str, float] = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=file) from None
    for number, line in enumerate(lines, start=1):
        try:
            group = json.loads(line)
        except ValueError:
            continue  # torn by a crash
        try:
            spreads[group["id"]] = max(spreads.get(group["id"], 0.0), float(group["std"]))
        except (ValueError, KeyError, TypeError):
            raise InputError("not a group", file=file, line=number, value=line) from None
    if not spreads:
        raise InputError("holds no groups", file=file)
    return {name for name, spread in spreads.items() if spread == 0}
