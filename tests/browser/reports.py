"""Real reports for the browser: recorded answers to generated images, scored as `vrft-eval score` does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from eval_helpers import completion as written
from eval_helpers import write_lines

from vrft_eval import commands
from vrft_eval.commands import DataPaths
from vrft_eval.demo.data import write_dataset

IMAGES = 16
SIZE = (112, 112)
Boxes = list[list[float]]
HOSTILE = (
    "<think>\"><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\"></think>"
    "<answer>[{'Position': [100, 100, 600, 600], 'Confidence': 0.9}]</script></style><svg onload=alert(3)>"
    "<!-- \u202egnp.exe\u2066 \u2028 \x00\x1b[31m \U000e0041 &lt;b&gt; </answer>"
)


def detection_report(folder: Path) -> Path:
    """Right answers in turn with missed, doubled, invented, broken and unreadable ones; one is hostile, one a crowd."""
    write_dataset("shapes-detection", folder / "data", IMAGES, seed=0)
    document = json.loads((folder / "data" / "annotations.json").read_text(encoding="utf-8"))
    true: dict[str, list[list[float]]] = {}
    for annotation in document["annotations"]:
        x, y, width, height = annotation["bbox"]
        key = f"{annotation['image_id']}:{annotation['category_id']}"
        true.setdefault(key, []).append([x, y, x + width, y + height])
    for image in document["images"]:
        true.update({f"{image['id']}:{key}": [] for key in image["neg_category_ids"]})
    rows = [{"id": key, "completion": _answer(turn, boxes)} for turn, (key, boxes) in enumerate(true.items())]
    rows[1]["completion"] = HOSTILE
    rows[2]["completion"] = _said(_crowd(40), 0.5)
    return _score("shapes-detection", folder, rows)


def _said(boxes: Boxes, *scores: float) -> str:
    each = len(boxes) // len(scores)
    return written(boxes, SIZE, [score for score in scores for _ in range(each)])


def _crowd(count: int) -> Boxes:
    corners = np.random.default_rng(0).uniform(0, 90, (count, 2))
    boxes: Boxes = np.concatenate([corners, corners + 20], axis=1).tolist()
    return boxes


def _answer(turn: int, boxes: Boxes) -> str:
    if not boxes:
        return _said([[10.0, 10.0, 50.0, 50.0]] if turn % 2 else [], 0.35)
    if turn % 6 == 1:
        return _said(boxes[:-1], 0.8)
    if turn % 6 == 2:
        return _said([*boxes, *boxes], 0.9, 0.4)
    if turn % 6 == 3:
        return _said([[x1 + 20, y1, x2 + 20, y2] for x1, y1, x2, y2 in boxes], 0.95)
    if turn % 6 == 4:
        return _said(boxes, 0.7).replace("<think>", "").replace("</answer>", ", [1, 2, 3")
    return "I see nothing." if turn % 12 == 5 else _said(boxes, 0.9)


def classification_report(folder: Path, strange: str | None = None) -> Path:
    """Names of the classes, other classes' names, and none at all; `strange` is the file name of one image."""
    write_dataset("shapes-classification", folder / "data", IMAGES, seed=0)
    images = sorted((folder / "data").rglob("*.png"))
    if strange is not None:
        images[0] = images[0].rename(images[0].with_name(strange))
    names = sorted({image.parent.name for image in images})
    rows: list[dict[str, Any]] = []
    for turn, image in enumerate(images):
        name = names[(names.index(image.parent.name) + 1) % len(names)] if turn % 4 == 1 else image.parent.name
        said = "no such flower" if turn % 8 == 3 else name
        key = image.relative_to(folder / "data").as_posix()
        rows.append({"id": key, "completion": f"<think>It has petals.</think><answer>{said}</answer>"})
    return _score("shapes-classification", folder, rows[:-1])


def grounding_report(folder: Path) -> Path:
    """The described box, shifted more and more."""
    write_dataset("shapes-grounding", folder / "data", IMAGES, seed=0)
    rows: list[dict[str, Any]] = []
    for turn, line in enumerate((folder / "data" / "grounding.jsonl").read_text(encoding="utf-8").splitlines()):
        item = json.loads(line)
        x1, y1, x2, y2 = (round(value * 1000 / 112) for value in item["box"])
        shift = 15 * turn
        said = f"<think>It is there.</think><answer>({x1 + shift},{y1}),({min(x2 + shift, 1000)},{y2})</answer>"
        rows.append({"id": Path(item["image"]).stem, "completion": said})
    return _score("shapes-grounding", folder, rows)


def _score(task: str, folder: Path, rows: list[dict[str, Any]]) -> Path:
    responses = write_lines(folder / "responses.jsonl", rows)
    commands.score(task, responses, folder / "run", paths=DataPaths(folder / "data"), resamples=200)
    return folder / "run"


def selected(page: Any) -> str:
    """The id of the sample that is shown."""
    text: str = page.locator(".detail a.id").inner_text()
    return text


def count(page: Any) -> int:
    """How many samples the filters let through."""
    words: list[str] = page.locator(".found").inner_text().replace(",", "").split()
    return int(words[2] if "of" in words else words[0])
