"""Small data sets and answers written as models write them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image


def coco_document() -> dict[str, Any]:
    """A small COCO file: two images, three categories (one without truth), a crowd, a verified negative."""
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "width": 200, "height": 100, "neg_category_ids": [3]},
            {"id": 9, "file_name": "b.png", "width": 50, "height": 50},
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}, {"id": 3, "name": "bus"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [20, 10, 100, 50], "area": 5000, "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [0, 0, 200, 100], "area": 900, "iscrowd": 1},
            {"id": 3, "image_id": 9, "category_id": 2, "bbox": [5, 5, 20, 20], "area": 400, "iscrowd": 0},
        ],
    }


def write_coco(folder: Path, document: Any | None = None, *, images: bool = False) -> Path:
    """Write a COCO data folder; returns the annotation file."""
    document = coco_document() if document is None else document
    (folder / "images").mkdir(parents=True, exist_ok=True)
    file = folder / "annotations.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    if images:
        for entry in document["images"]:
            Image.new("RGB", (entry["width"], entry["height"]), "teal").save(folder / "images" / entry["file_name"])
    return file


def write_lines(path: Path, rows: list[Any]) -> Path:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def completion(boxes: NDArray[np.float64] | list[list[float]], size: tuple[int, int], scores: list[float]) -> str:
    """What a good model would write: boxes in pixels xyxy as 0..1000 text."""
    whole = np.array([*size, *size])
    rows = [[round(value) for value in np.asarray(box) * 1000 / whole] for box in boxes]
    items = [f"{{'Position': {row}, 'Confidence': {score:.2f}}}" for row, score in zip(rows, scores, strict=True)]
    return f"<think>I look.</think><answer>{'[' + ', '.join(items) + ']' if items else 'No Objects'}</answer>"


def real_data(name: str) -> Path:
    """A file or folder of the real test data: under $VRFT_TEST_DATA, or beside the checkout; skips without it."""
    root = os.environ.get("VRFT_TEST_DATA")
    folder = Path(root) if root else Path(__file__).resolve().parents[3] / "shared" / "data"
    if not (folder / name).exists():
        pytest.skip(f"no {name} in the real test data: set VRFT_TEST_DATA to the folder that holds it")
    return folder / name


def write_image(path: Path, size: tuple[int, int] = (8, 6)) -> None:
    """Write a small image, and the folders it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "teal").save(path)
