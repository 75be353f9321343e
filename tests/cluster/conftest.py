"""A Ray cluster of two nodes: two raylets on this machine, with one CPU each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.raylets import start_cluster
from vrft_eval.backends.protocol import Prompt
from vrft_eval.demo.data import write_dataset
from vrft_eval.tasks.prompts import fill, load


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated detection data of six images."""
    folder = tmp_path_factory.mktemp("cluster") / "data"
    write_dataset("shapes-detection", folder, 6, seed=0)
    return folder


@pytest.fixture(scope="session")
def prompts(shapes: Path) -> list[Prompt]:
    """Two questions about each image."""
    document = json.loads((shapes / "annotations.json").read_text(encoding="utf-8"))
    return [
        Prompt(f"{entry['id']}:{name}", shapes / "images" / entry["file_name"], fill(load("detection"), category=name))
        for entry in document["images"]
        for name in ("red circle", "blue square")
    ]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """The cluster; its head is the first of the nodes."""
    made = start_cluster(2)
    yield made
    made.shutdown()
