"""A real detector's answers to the 80 real photos: `vrft-eval score coco` against pycocotools on the same boxes.

`python tests/parity/test_real_photos.py` prints the table of docs/metrics.md. What answered: data/README.md.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from detection_parity import pycocotools_curves, summary
from detection_worlds import COCO_TINY, World
from typer.testing import CliRunner

from vrft_eval.cli import app
from vrft_rewards import Status, parse_detections

ANSWERS = Path(__file__).parent / "data" / "coco_tiny_detector.jsonl"
LIMITS = (1, 10, 100)
TOLERANCE = 1e-9


def boxes_as_written(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers' boxes in COCO's results format, read without the harness."""
    sizes = {image["id"]: (image["width"], image["height"]) for image in document["images"]}
    rows = []
    for line in ANSWERS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        image_id, category_id = map(int, row["id"].split(":"))
        width, height = sizes[image_id]
        answer = row["completion"].partition("<answer>")[2].removesuffix("</answer>")
        for item in [] if answer == "No Objects" else json.loads(answer.replace("'", '"')):
            x1, y1, x2, y2 = item["Position"]
            box = [x1 * width / 1000, y1 * height / 1000, (x2 - x1) * width / 1000, (y2 - y1) * height / 1000]
            score = item["Confidence"]
            rows.append({"image_id": image_id, "category_id": category_id, "bbox": box, "score": score})
    return rows


def scored(out: Path, resamples: int) -> dict[str, Any]:
    """report.json of `vrft-eval score coco` on the answers."""
    arguments = ["score", "coco", "--responses", ANSWERS, "--data", COCO_TINY.parents[1], "--out", out]
    result = CliRunner().invoke(app, [*map(str, arguments), "--resamples", str(resamples)])
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return report


def test_every_answer_is_written_as_the_prompt_asks_and_read() -> None:
    completions = [json.loads(line)["completion"] for line in ANSWERS.read_text(encoding="utf-8").splitlines()]
    item = r"\{'Position': \[\d+, \d+, \d+, \d+\], 'Confidence': 0\.\d\d\}"
    written = re.compile(rf"<think>[^<]+</think><answer>(No Objects|\[{item}(, {item})*\])</answer>")
    assert len(completions) == 468
    assert all(map(written.fullmatch, completions))
    found = [parse_detections(text) for text in completions]
    assert [issue for read in found for issue in read.issues] == []
    assert sum(len(read.boxes) for read in found) == 1078
    assert sum(read.status is Status.NO_OBJECTS for read in found) == 95


def test_a_detector_on_the_real_photos_gets_what_pycocotools_gives_it(tmp_path: Path) -> None:
    if not COCO_TINY.is_file():
        pytest.skip("the 80 real COCO photos (shared/data/coco_tiny) are not beside this checkout")
    document = json.loads(COCO_TINY.read_text(encoding="utf-8"))
    predictions = boxes_as_written(document)
    report = scored(tmp_path / "run", resamples=0)

    counts = report["counts"]
    assert counts["answered"] == counts["samples"] == 468
    assert [counts[name] for name in ("unanswered", "failed", "format_broken", "unreadable")] == [0, 0, 0, 0]
    assert counts["predicted_boxes"] == len(predictions) == 1078

    names = [category["name"] for category in sorted(document["categories"], key=lambda category: category["id"])]
    curves = pycocotools_curves(World(document, predictions))
    expected = summary(curves, list(range(len(names))), LIMITS)
    assert expected.keys() == report["metrics"].keys()
    assert report["metrics"] == pytest.approx(expected, abs=TOLERANCE)
    assert 0.2 < report["metrics"]["mAP"] < 0.3
    for column, name in enumerate(names):
        wanted = summary(curves, [column], LIMITS)
        found = {metric: report["per_category"][name][metric] for metric in wanted}
        assert found == pytest.approx(wanted, abs=TOLERANCE), name


def main() -> None:
    """Print ours, the reference's and the difference, per metric."""
    document = json.loads(COCO_TINY.read_text(encoding="utf-8"))
    curves = pycocotools_curves(World(document, boxes_as_written(document)))
    expected = summary(curves, list(range(len(document["categories"]))), LIMITS)
    with tempfile.TemporaryDirectory() as folder:
        report = scored(Path(folder) / "run", resamples=1000)
    print("| metric | ours | 95 % interval | pycocotools | difference |\n|---|---|---|---|---|")
    for name, wanted in expected.items():
        assert wanted is not None
        ours, interval = report["metrics"][name], report["intervals"].get(name)
        around = "" if interval is None else f"[{interval['low']:.3f}, {interval['high']:.3f}]"
        gap = abs(ours - wanted)
        print(f"| `{name}` | {ours:.6f} | {around} | {wanted:.6f} | {f'{gap:.0e}' if gap else '0'} |")


if __name__ == "__main__":
    main()
