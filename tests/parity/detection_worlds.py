"""Truth and detections to compare engines on: generated, and noisy copies of real truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vrft_eval.datasets import Annotation, CocoImage
from vrft_eval.metrics.table import DetectionTable, make_table
from vrft_eval.tasks import TASKS

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
COCO_TINY = SHARED / "coco_tiny" / "annotations" / "instances_val2017.json"
LVIS_100 = SHARED / "lvis" / "lvis_val_100.json"


@dataclass(frozen=True)
class World:
    """A COCO or LVIS document and predictions in COCO's results format."""

    document: dict[str, Any]
    predictions: list[dict[str, Any]]
    rule: Any = "coco"

    def table(self) -> DetectionTable:
        """The same as columns."""
        document, found = self.document, self.predictions
        return make_table(
            [
                CocoImage(
                    id=image["id"],
                    path=Path("none.jpg"),
                    size=(image["width"], image["height"]),
                    negatives=frozenset(image.get("neg_category_ids", ())),
                    not_exhaustive=frozenset(image.get("not_exhaustive_category_ids", ())),
                )
                for image in document["images"]
            ],
            {category["id"]: category["name"] for category in document["categories"]},
            [
                Annotation(a["image_id"], a["category_id"], tuple(a["bbox"]), a["area"], bool(a.get("iscrowd", 0)))
                for a in document["annotations"]
            ],
            [row["image_id"] for row in found],
            [row["category_id"] for row in found],
            [row["bbox"] for row in found],
            [row["score"] for row in found],
            self.rule,
            {category["id"]: category.get("frequency", "") for category in document["categories"]},
        )


def generated(seed: int, *, images: int = 25, categories: int = 6, lvis: bool = False, crowds: float = 0.1) -> World:
    """Boxes of all sizes, ties, categories without truth, images without boxes; crowds (COCO) or verified negatives
    and not-exhaustive categories (LVIS); some images with more detections than count. Ids in no order."""
    rng = np.random.default_rng(seed)
    document: dict[str, Any] = {
        "images": [{"id": int(k), "width": 300, "height": 300} for k in rng.permutation(images * 3)[:images] + 1],
        "categories": [{"id": int(k), "name": f"thing {k}"} for k in rng.permutation(categories * 2)[:categories] + 1],
        "annotations": [],
    }
    keys = [category["id"] for category in document["categories"]]
    for image in document["images"]:
        for _ in range(int(rng.integers(0, 9))):
            w, h = np.exp(rng.uniform(np.log(6), np.log(250), 2))
            document["annotations"].append(
                {
                    "id": len(document["annotations"]) + 1,
                    "image_id": image["id"],
                    "category_id": int(rng.choice(keys[:-1])),
                    "bbox": [float(v) for v in (rng.uniform(0, 300 - w), rng.uniform(0, 300 - h), w, h)],
                    "area": float(w * h * rng.uniform(0.5, 1)),
                    "iscrowd": int(not lvis and rng.random() < crowds),
                }
            )
        if lvis:
            present = {a["category_id"] for a in document["annotations"] if a["image_id"] == image["id"]}
            absent = [key for key in keys if key not in present]
            image["neg_category_ids"] = [key for key in absent if rng.random() < 0.4]
            image["not_exhaustive_category_ids"] = [key for key in present if rng.random() < 0.2]
    if lvis:
        for number, category in enumerate(document["categories"]):
            category["frequency"] = "rcf"[number % 3]
    return World(document, noisy(document, seed), "lvis" if lvis else "coco")


def noisy(document: dict[str, Any], seed: int, crowd_every: int = 8) -> list[dict[str, Any]]:
    """Shifted, doubled, missed and invented boxes with confidences in tenths; every so often hundreds in one image."""
    rng = np.random.default_rng(seed)
    keys = [category["id"] for category in document["categories"]]
    by_image: dict[int, list[dict[str, Any]]] = {image["id"]: [] for image in document["images"]}
    for annotation in document["annotations"]:
        by_image[annotation["image_id"]].append(annotation)
    rows: list[dict[str, Any]] = []

    def add(image_id: int, category_id: int, box: np.ndarray[Any, Any]) -> None:
        rows.append(
            {
                "image_id": image_id,
                "category_id": category_id,
                "bbox": [float(v) for v in box],
                "score": float(np.round(rng.random(), 1)),
            }
        )

    for number, image in enumerate(document["images"]):
        own = by_image[image["id"]]
        likely = sorted({a["category_id"] for a in own} | set(image.get("neg_category_ids", ()))) or keys[:1]
        for annotation in own:
            box = np.array(annotation["bbox"])
            for _ in range(int(rng.integers(0, 4))):
                extent = np.concatenate([box[2:], box[2:]])
                moved = box + rng.normal(0, rng.choice([0.02, 0.1, 0.3]), 4) * extent
                category = annotation["category_id"] if rng.random() < 0.85 else int(rng.choice(likely))
                add(image["id"], category, np.maximum(moved, [-50, -50, 1, 1]))
        many = number % crowd_every == 0
        for _ in range(int(rng.integers(250, 450)) if many else int(rng.integers(0, 5))):
            w, h = rng.uniform(4, 0.8 * min(image["width"], image["height"]), 2)
            x, y = rng.uniform(0, image["width"] - w), rng.uniform(0, image["height"] - h)
            add(image["id"], int(rng.choice(likely if rng.random() < 0.8 else keys)), np.array([x, y, w, h]))
    return rows


def real_coco(seed: int = 0) -> World:
    """The 80 real photos."""
    document = json.loads(COCO_TINY.read_text(encoding="utf-8"))
    return World(document, noisy(document, seed))


def real_lvis(seed: int = 0) -> World:
    """The 100 real LVIS images."""
    document = json.loads(LVIS_100.read_text(encoding="utf-8"))
    return World(document, noisy(document, seed), "lvis")


def rare_lvis(seed: int = 7) -> World:
    """Generated data by LVIS's rules, with categories named like the rare ones of the paper's two LVIS tasks."""
    world = generated(seed, images=60, categories=20, lvis=True)
    rare = [name for task in ("lvis-rare6", "lvis-rare13") for name in TASKS[task].categories or ()]
    names = [*dict.fromkeys(rare), "lamp", "sofa", "cup"]
    for category, name in zip(world.document["categories"], names, strict=False):
        category["name"] = name
    return world
