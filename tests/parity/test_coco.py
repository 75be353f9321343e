"""hotcoco, by the harness's whole way from text to number, against pycocotools.

The truth is turned into noisy answers in words, parsed as any completion is, and measured twice. Every
category, and the means over the paper's subsets, must agree to 1e-9.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vrft_eval import commands
from vrft_eval.commands import DataPaths
from vrft_eval.tasks import TASKS

COCO_TINY = Path(__file__).parents[2].parent / "shared" / "data" / "coco_tiny"
TOLERANCE = 1e-9


def generated(folder: Path) -> Path:
    """30 images, the 80 names of no one: boxes of all sizes, crowds, ties, empty categories, ids from 0."""
    rng = np.random.default_rng(3)
    subset = {name for task in ("coco-fewshot8", "coco-novel15") for name in TASKS[task].categories or ()}
    names = [*sorted(subset), "lamp", "never seen"]
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id in range(30):
        width, height = int(rng.integers(200, 700)), int(rng.integers(200, 700))
        images.append({"id": image_id, "file_name": f"{image_id}.jpg", "width": width, "height": height})
        for _ in range(int(rng.integers(1, 12))):
            category = int(rng.integers(len(names) - 1)) if rng.random() < 0.7 else 0
            w, h = (float(np.round(np.exp(rng.uniform(1.5, np.log(side * 0.9))), 2)) for side in (width, height))
            x, y = float(np.round(rng.uniform(0, width - w), 2)), float(np.round(rng.uniform(0, height - h), 2))
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": image_id,
                    "category_id": category,
                    "bbox": [x, y, w, h],
                    "area": w * h * float(rng.uniform(0.4, 1.0)),
                    "iscrowd": int(rng.random() < 0.06),
                }
            )
    categories = [{"id": key, "name": name} for key, name in enumerate(names)]
    folder.mkdir(parents=True, exist_ok=True)
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(document), encoding="utf-8")
    return folder / "annotations.json"


def answers(document: dict[str, Any], file: Path, seed: int) -> Path:
    """Noisy answers as text: shifted, missed, invented and doubled boxes, tied confidences, `No Objects`."""
    rng = np.random.default_rng(seed)
    sizes = {image["id"]: (image["width"], image["height"]) for image in document["images"]}
    pairs: dict[tuple[int, int], list[list[float]]] = {}
    for annotation in document["annotations"]:
        x, y, w, h = annotation["bbox"]
        pairs.setdefault((annotation["image_id"], annotation["category_id"]), []).append([x, y, x + w, y + h])
    for image_id in sizes:
        pairs.setdefault((image_id, document["categories"][int(rng.integers(len(document["categories"])))]["id"]), [])
    lines = []
    for (image_id, category_id), boxes in pairs.items():
        size = np.array([*sizes[image_id]] * 2)
        found = []
        for box in boxes:
            for _ in range(int(rng.choice([0, 1, 1, 1, 2]))):
                extent = np.array([box[2] - box[0], box[3] - box[1]] * 2)
                found.append(np.array(box) + rng.normal(0, 0.08, 4) * extent)
        while rng.random() < 0.3:
            corner = rng.uniform(0, 0.8, 2) * size[:2]
            found.append(np.concatenate([corner, corner + rng.uniform(5, 0.2 * size.min(), 2)]))
        items = [
            f"{{'Position': {[round(v) for v in box * 1000 / size]}, 'Confidence': {round(rng.random(), 1)}}}"
            for box in found
        ]
        answer = f"[{', '.join(items)}]" if items else "No Objects"
        text = f"<think>I look.</think><answer>{answer}</answer>"
        lines.append(json.dumps({"id": f"{image_id}:{category_id}", "completion": text}) + "\n")
    file.write_text("".join(lines), encoding="utf-8")
    return file


def reference(annotations: Path, predictions: list[dict[str, Any]]) -> Any:
    """pycocotools' precision and recall, with annotation ids from 1 (it misreads an id of 0)."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    document = json.loads(annotations.read_text(encoding="utf-8"))
    for number, annotation in enumerate(document["annotations"], start=1):
        annotation["id"] = number
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = document
        truth.createIndex()
        engine = COCOeval(truth, truth.loadRes([dict(row) for row in predictions]), "bbox")
        engine.evaluate()
        engine.accumulate()
    return engine


def _mean(values: Any) -> float | None:
    valid = values[values > -1]
    return float(valid.mean()) if valid.size else None


def expected(engine: Any, columns: list[int]) -> dict[str, float | None]:
    """The COCO summary over some categories."""
    precision, recall = engine.eval["precision"][:, :, columns], engine.eval["recall"][:, columns]
    return {
        "mAP": _mean(precision[..., 0, -1]),
        "AP50": _mean(precision[0, ..., 0, -1]),
        "AP75": _mean(precision[5, ..., 0, -1]),
        "APs": _mean(precision[..., 1, -1]),
        "APm": _mean(precision[..., 2, -1]),
        "APl": _mean(precision[..., 3, -1]),
        "AR1": _mean(recall[..., 0, 0]),
        "AR10": _mean(recall[..., 0, 1]),
        "AR100": _mean(recall[..., 0, 2]),
    }


def check(found: dict[str, Any], wanted: dict[str, float | None]) -> None:
    for name, value in wanted.items():
        if value is None:
            assert found[name] is None, name
        else:
            assert found[name] == pytest.approx(value, abs=TOLERANCE), name


@pytest.mark.parametrize("task", ["coco", "coco-fewshot8", "coco-novel15"])
@pytest.mark.parametrize("source", ["generated", "80 real photos"])
def test_every_number_equals_pycocotools(tmp_path: Path, source: str, task: str) -> None:
    if source == "generated":
        file = generated(tmp_path / "data")
        paths = DataPaths(tmp_path / "data")
    else:
        if not COCO_TINY.is_dir():
            pytest.skip("the 80 real COCO photos (shared/data/coco_tiny) are not beside this checkout")
        file = COCO_TINY / "annotations" / "instances_val2017.json"
        paths = DataPaths(annotations=file, images=tmp_path / "no images needed")
    document = json.loads(file.read_text(encoding="utf-8"))
    responses = answers(document, tmp_path / "responses.jsonl", seed=11)
    evaluated = commands.score(task, responses, tmp_path / "run", paths=paths)
    predictions = json.loads((tmp_path / "run" / "predictions.json").read_text(encoding="utf-8"))
    assert len(predictions) > 100
    engine = reference(file, predictions)

    names = {category["id"]: category["name"] for category in document["categories"]}
    order = [names[key] for key in engine.params.catIds]
    selected = TASKS[task].categories or tuple(order)
    assert evaluated.report.metrics["mAP"] not in (None, 0.0)
    check(evaluated.report.metrics, expected(engine, [order.index(name) for name in selected]))
    assert len(evaluated.report.per_category) >= len(selected)
    for name, row in evaluated.report.per_category.items():
        check(row, expected(engine, [order.index(name)]))


def test_boxes_survive_the_way_through_text() -> None:
    """A box written in thousandths is at most half a thousandth of a side off."""
    from vrft_rewards import parse_detections, to_pixels

    box = np.array([[33.3, 44.4, 250.1, 199.9]])
    size = (640, 480)
    text = f"[{{'Position': {[round(v) for v in (box * 1000 / np.array([*size, *size]))[0]]}, 'Confidence': 0.5}}]"
    back = to_pixels(parse_detections(text).boxes, "norm1000", size)
    assert np.abs(back - box).max() <= 0.32 + 1e-9
