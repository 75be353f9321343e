"""Running the command, and reading what it wrote as each framework would."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import datasets
from PIL import Image

from trainers.data.__main__ import main
from vrft_rewards.adapters import easyr1, openrlhf, verl
from vrft_rewards.adapters.ms_swift.vrft_plugin import VrftORM
from vrft_rewards.adapters.options import rewards_for
from vrft_rewards.adapters.trl import trl_reward

# The small data sets of the harness's own tests.
sys.path.append(str(Path(__file__).parents[1] / "eval"))

from eval_helpers import coco_document, real_data, write_coco, write_image, write_lines

__all__ = [
    "COLUMNS",
    "FULL",
    "coco_document",
    "made",
    "read",
    "real_data",
    "refused",
    "scores",
    "write_coco",
    "write_image",
    "write_lines",
]

COLUMNS = [
    "image",
    "problem",
    "solution",
    "task",
    "boxes",
    "label",
    "box",
    "space",
    "width",
    "height",
    "id",
    "category",
]
FULL = {"detection": 3.0, "classification": 2.0, "grounding": 2.0}
_TRUTH = {"detection": "boxes", "classification": "label", "grounding": "box"}


def made(out: Path, *arguments: Any) -> list[dict[str, Any]]:
    """Run the command, which must succeed, and return the rows of a `datasets` folder."""
    assert main([*map(str, arguments), "--out", str(out)]) == 0
    return read("datasets", out)


def refused(capsys: Any, out: Path, *arguments: Any) -> str:
    """Run the command, which must refuse and leave nothing behind; returns what it said."""
    before = sorted(out.parent.iterdir()) if out.parent.is_dir() else []
    capsys.readouterr()
    assert main([*map(str, arguments), "--out", str(out)]) == 2
    assert (sorted(out.parent.iterdir()) if out.parent.is_dir() else []) == before
    return " ".join(capsys.readouterr().err.split())


def read(form: str, folder: Path) -> list[dict[str, Any]]:
    """The rows of a training set, images decoded; a set of `datasets` or TRL unless the form says other."""
    if form == "ms-swift":
        lines = (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        return [row | {"images": [Image.open(folder / name) for name in row["images"]]} for row in rows]
    if form in ("easyr1", "verl", "openrlhf"):
        # What these frameworks call.
        cache = str(folder.parent / "cache")
        files = str(folder / "train.parquet")
        rows = list(datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=cache))
        if form != "openrlhf":
            return rows
        return [row | {"images": [Image.open(io.BytesIO(data)) for data in row["images"]]} for row in rows]
    return list(datasets.load_from_disk(str(folder)))


def scores(form: str, rows: list[dict[str, Any]], completions: list[str], task: str) -> list[Any]:
    """What our adapter of a framework pays for completions, each beside its row."""
    pairs = list(zip(completions, rows, strict=True))
    if form == "easyr1":
        given = [{"response": text, "response_length": 1, "ground_truth": row["answer"]} for text, row in pairs]
        return [score["overall"] for score in easyr1.compute_score(given, task=task)]
    if form == "verl":
        return [
            verl.compute_score(
                row["data_source"], text, row["reward_model"]["ground_truth"], row["extra_info"], task=task
            )["score"]
            for text, row in pairs
        ]
    if form == "openrlhf":
        queries = [row["prompt"] + text for text, row in pairs]
        answer = openrlhf.score_queries(
            rewards_for({"task": task}), queries, [row["prompt"] for row in rows], [row["label"] for row in rows]
        )
        return list(answer["rewards"])
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    if form == "ms-swift":
        return list(VrftORM()(completions, **columns))
    return list(trl_reward(task, truth_column=_TRUTH[task])(completions=completions, **columns))
