"""Both mask rules on a ReasonSeg tree of real outlines, against restatements that read its JSON files themselves."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vrft_eval.backends import Answer
from vrft_eval.masks import fill_boxes
from vrft_eval.rle import decode_rle
from vrft_eval.tasks import TASKS, Judged, LoadOptions, Reading, Verdicts, load_task


def _coco() -> Path:
    root = os.environ.get("VRFT_TEST_DATA")
    folder = (Path(root) if root else Path(__file__).resolve().parents[3] / "shared" / "data") / "coco_tiny"
    if not folder.is_dir():
        pytest.skip("no coco_tiny: set VRFT_TEST_DATA to the folder that holds it")
    return folder


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ReasonSeg's layout with COCO's photos and outlines: some to ignore, some flagged, one file without any."""
    coco = _coco()
    document = json.loads((coco / "annotations" / "instances_val2017.json").read_text(encoding="utf-8"))
    outlines: dict[int, list[list[list[float]]]] = {}
    for annotation in document["annotations"]:
        if isinstance(annotation["segmentation"], list):
            for flat in annotation["segmentation"]:
                points = np.array(flat, dtype=np.float64).reshape(-1, 2).tolist()
                outlines.setdefault(annotation["image_id"], []).append(points)
    folder = tmp_path_factory.mktemp("ReasonSeg") / "val"
    folder.mkdir()
    labels = ("target", "target", "ignore", "flag")
    for position, image in enumerate(document["images"][:40]):
        shapes: list[dict[str, Any]] = [
            {"label": labels[number % 4], "points": points}
            for number, points in enumerate(outlines.get(image["id"], [])[:6])
        ]
        name = Path(image["file_name"]).stem
        shutil.copy(coco / "val2017" / image["file_name"], folder / f"{name}.jpg")
        row = {"text": ["the thing"], "is_sentence": True, "shapes": [] if position == 7 else shapes}
        (folder / f"{name}.json").write_text(json.dumps(row), encoding="utf-8")
    return folder.parent


@pytest.fixture(scope="module")
def judged(tree: Path) -> list[Judged]:
    """Boxes that are a little off, a few answers without any, read and judged."""
    data = load_task(TASKS["reasonseg"], LoadOptions(tree, split="val"))
    rng = np.random.default_rng(0)
    found = []
    for position, sample in enumerate(data.samples("Where is {question}?", None)):
        box = sample.boxes[0] if len(sample.boxes) else np.array([0.0, 0, 50, 50])
        scale = np.array([*sample.size, *sample.size])
        off = np.clip(np.sort((box * 1000 / scale + rng.uniform(-60, 60, 4)).reshape(2, 2), axis=0), 0, 1000)
        x1, y1, x2, y2 = off.reshape(-1).round().astype(int)
        text = f"<think>x</think><answer>({x1},{y1}),({x2},{y2})</answer>"
        if position % 9 == 4:
            text = "<think>x</think><answer>I can't see it</answer>"
        found.append(data.judge(sample, Answer(sample.id, text), Reading()))
    return found


def test_visual_rfts_rule_from_the_json_files(tree: Path, judged: list[Judged]) -> None:
    data = load_task(TASKS["reasonseg"], LoadOptions(tree, split="val"))
    metrics = data.measure(Verdicts.of(judged), Reading()).metrics
    shares, agreed, either = [], 0, 0
    boxes = {item.sample.id: item.boxes for item in judged}
    for file in sorted((tree / "val").glob("*.json")):
        shapes = json.loads(file.read_text(encoding="utf-8"))["shapes"]
        if not shapes:
            continue  # the script leaves it out
        with Image.open(file.with_suffix(".jpg")) as image:
            width, height = image.size
        canvas = Image.new("L", (width, height), 0)
        ImageDraw.Draw(canvas).polygon([tuple(point) for point in shapes[0]["points"]], outline=1, fill=1)
        truth = np.asarray(canvas).astype(bool)
        box = next(boxes[key] for key in boxes if file.stem in key)
        guess = fill_boxes(box[:1], (width, height))[0] if len(box) else np.zeros_like(truth)
        both, any_of = int(np.logical_and(guess, truth).sum()), int(np.logical_or(guess, truth).sum())
        shares.append(both / (any_of + 1e-6))
        agreed, either = agreed + both, either + any_of
    assert len(shares) >= 35
    assert metrics["gIoU_visual_rft"] == pytest.approx(float(np.mean(shares)), abs=1e-12)
    assert metrics["cIoU_visual_rft"] == pytest.approx(agreed / (either + 1e-6), abs=1e-12)


def test_lisas_rule_from_label_maps(tree: Path, judged: list[Judged]) -> None:
    data = load_task(TASKS["reasonseg"], LoadOptions(tree, split="val"))
    metrics = data.measure(Verdicts.of(judged), Reading()).metrics
    shares, agreed, either, ignored = [], 0.0, 0.0, 0
    for item in judged:
        target = np.zeros((item.sample.size[1], item.sample.size[0]), dtype=np.int64)
        target[decode_rle(item.sample.mask or {})] = 1
        if item.sample.ignore is not None:
            target[decode_rle(item.sample.ignore)] = 255
            ignored += 1
        output = np.zeros_like(target)
        if len(item.boxes):
            output[fill_boxes(item.boxes[:1], item.sample.size)[0]] = 1
        output[target == 255] = 255
        intersection = np.histogram(output[output == target], bins=2, range=(0, 2))[0][1]
        area = sum(int((values == 1).sum()) for values in (output, target)) - int(intersection)
        shares.append(intersection / (area + 1e-5) + (1.0 if area == 0 else 0.0))
        agreed, either = agreed + intersection, either + area
    assert ignored >= 10
    assert metrics["gIoU"] == pytest.approx(float(np.mean(shares)), abs=1e-12)
    assert metrics["cIoU"] == pytest.approx(agreed / (either + 1e-10), abs=1e-12)


def test_lisas_truth_and_rule_from_the_json_files(tree: Path, judged: list[Judged]) -> None:
    """LISA's own way from the file to the two numbers, with OpenCV where that is installed."""
    cv2 = pytest.importorskip("cv2")
    data = load_task(TASKS["reasonseg"], LoadOptions(tree, split="val"))
    metrics = data.measure(Verdicts.of(judged), Reading()).metrics
    shares, agreed, either = [], 0, 0
    for item in judged:
        width, height = item.sample.size
        shapes = json.loads(item.sample.image.with_suffix(".json").read_text(encoding="utf-8"))["shapes"]
        drawn = []
        for shape in shapes:
            if shape["label"] == "flag":
                continue
            one = np.zeros((height, width), dtype=np.uint8)
            points = np.array([shape["points"]], dtype=np.int32)
            cv2.polylines(one, points, True, 1, 1)
            cv2.fillPoly(one, points, 1)
            drawn.append((int(one.sum()), one.astype(bool), 255 if shape["label"] == "ignore" else 1))
        target = np.zeros((height, width), dtype=np.int64)
        for _, region, value in sorted(drawn, key=lambda entry: -entry[0]):
            target[region] = value
        guess = fill_boxes(item.boxes[:1], (width, height))[0] if len(item.boxes) else np.zeros((height, width), bool)
        counted = target != 255
        both = int((guess & (target == 1) & counted).sum())
        any_of = int(((guess | (target == 1)) & counted).sum())
        shares.append(both / (any_of + 1e-5) if any_of else 1.0)
        agreed, either = agreed + both, either + any_of
    # Outlines that touch the image's edge are cut off in another way than OpenCV's: a few pixels.
    assert metrics["gIoU"] == pytest.approx(float(np.mean(shares)), abs=1e-5)
    assert metrics["cIoU"] == pytest.approx(agreed / (either + 1e-10), abs=1e-5)


def test_the_two_rules_differ_on_real_outlines(tree: Path, judged: list[Judged]) -> None:
    data = load_task(TASKS["reasonseg"], LoadOptions(tree, split="val"))
    metrics = data.measure(Verdicts.of(judged), Reading()).metrics
    assert metrics["gIoU"] is not None
    assert metrics["gIoU_visual_rft"] is not None
    assert abs(metrics["gIoU"] - metrics["gIoU_visual_rft"]) > 0.01
