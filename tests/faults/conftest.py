"""One uninterrupted two-stage run of the shipped checkpoint, which the others are compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from faults.fault_helpers import command
from vrft_eval.cli import app
from vrft_eval.demo.data import write_dataset

IMAGES = {4, 6}
CATEGORIES = {"red square", "green triangle", "blue triangle"}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generated images with three categories, of which the model sees some and imagines one."""
    folder = tmp_path_factory.mktemp("faults") / "data"
    write_dataset("shapes-detection", folder, max(IMAGES), seed=0)
    file = folder / "annotations.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    categories = [entry for entry in document["categories"] if entry["name"] in CATEGORIES]
    kept = {entry["id"] for entry in categories}
    small = {
        "images": [
            {key: entry[key] for key in ("id", "file_name", "width", "height")}
            for entry in document["images"]
            if entry["id"] in IMAGES
        ],
        "categories": categories,
        "annotations": [
            entry for entry in document["annotations"] if entry["image_id"] in IMAGES and entry["category_id"] in kept
        ],
    }
    file.write_text(json.dumps(small), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """The model on one thread, as in the processes of the helpers."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def uninterrupted(data: Path, one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a whole run."""
    out = tmp_path_factory.mktemp("whole") / "run"
    result = CliRunner().invoke(app, command(data, out))
    assert result.exit_code == 0, result.output
    return out
