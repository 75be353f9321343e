"""A tiny training set, in the form of docs/training.md, of images that the shipped checkpoint knows; and a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from datasets import Dataset, Features, Image, List, Value

from trainers.demo.examples import make_example
from vrft_eval.demo import checkpoint
from vrft_rewards.profiles import TASKS

FEATURES = Features(
    {
        "id": Value("string"),
        "image": Image(),
        "problem": Value("string"),
        "solution": Value("string"),
        "task": Value("string"),
        "space": Value("string"),
        "width": Value("int64"),
        "height": Value("int64"),
        "boxes": List(List(Value("float64"))),
        "label": Value("string"),
        "box": List(Value("float64")),
    }
)
_FIRST = 2**43  # no seed that a shipped checkpoint was trained on


def make_rows(tasks: Sequence[str] = TASKS, count: int = 6) -> list[dict[str, Any]]:
    """Rows of the tasks in turn."""
    rows: list[dict[str, Any]] = []
    seed = _FIRST
    while len(rows) < count:
        seed += 1
        example = make_example(seed, max_objects=1)
        if example.task != tasks[len(rows) % len(tasks)]:
            continue
        rows.append(
            {
                "id": f"row-{len(rows)}",
                "image": example.image,
                "problem": example.prompt,
                "solution": example.answer[example.answer.index("<answer>") :],
                "task": example.task,
                "space": "norm1000",
                "width": 112,
                "height": 112,
                "boxes": example.truth if example.task == "detection" else None,
                "label": example.truth if example.task == "classification" else None,
                "box": example.truth if example.task == "grounding" else None,
            }
        )
    return rows


def save_data(folder: Path, rows: list[dict[str, Any]], leave_out: Sequence[str] = ()) -> Path:
    """Save rows as `Dataset.save_to_disk` does, without some columns."""
    features = Features({name: kind for name, kind in FEATURES.items() if name not in leave_out})
    kept = [{name: row[name] for name in features} for row in rows]
    Dataset.from_list(kept, features=features).save_to_disk(str(folder))
    return folder


def write_recipe(folder: Path, **fields: Any) -> Path:
    """Write a recipe that trains the shipped checkpoint on `folder/data` for a few small steps."""
    training = {
        "use_cpu": True,
        "max_steps": 2,
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-4,
        "gradient_checkpointing": False,
        "bf16": False,
        "logging_steps": 1,
        "save_steps": 2,
        "seed": 1,
    }
    recipe: dict[str, Any] = {
        "model": str(checkpoint("sft")),
        "data": str(folder / "data"),
        "output": str(folder / "run"),
        "training": training,
        "grpo": {"num_generations": 4, "max_completion_length": 64},
    }
    for name, value in fields.items():
        recipe[name] = {**recipe.get(name, {}), **value} if isinstance(value, dict) else value
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return path
