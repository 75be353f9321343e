"""Hugging Face data as Visual-RFT's training sets are: saved to disk, or Parquet as on the Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from vrft_eval.cli import app
from vrft_eval.datasets.embedded import Table
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings
from vrft_eval.images import load_image
from vrft_eval.tasks import TASKS, LoadOptions, load_task
from vrft_eval.tasks.prompts import render

datasets = pytest.importorskip("datasets", reason="the datasets package writes what is read here")

BOXES = "<answer>[{'Position': [100, 200, 500, 600], 'Confidence': 1}, {'Position': [0, 0, 10, 10]}]</answer>"
DETECTION = [
    (render("detection", category="hot dog").removeprefix("<image>\n"), BOXES),
    (render("detection", category="hot dog"), "<answer>No Objects</answer>"),
    (render("detection", category="jack-o'-lantern"), "[{'Position': [0, 0, 1000, 500], 'Confidence': 1}]"),
]


def save(folder: Path, rows: list[tuple[Any, Any]], layout: str = "saved") -> Path:
    """Write rows of (problem, solution) beside red, green, ... images of 200x100 pixels, as RGBA like the released."""
    colours = ("red", "green", "blue", "white")
    images = [Image.new("RGBA", (200, 100), colours[row % 4]) for row in range(len(rows))]
    table = datasets.Dataset.from_dict(
        {"image": images, "problem": [row[0] for row in rows], "solution": [row[1] for row in rows]},
        features=datasets.Features(
            {"image": datasets.Image(), "problem": datasets.Value("string"), "solution": datasets.Value("string")}
        ),
    )
    if layout == "saved":
        datasets.DatasetDict({"train": table}).save_to_disk(str(folder), num_shards={"train": min(2, len(rows))})
    else:
        (folder / "data").mkdir(parents=True)
        table.to_parquet(str(folder / "data" / "train-00000-of-00001.parquet"))
    return folder


@pytest.mark.parametrize("layout", ["saved", "parquet"])
def test_detection_rows_become_images_with_boxes_in_pixels(tmp_path: Path, layout: str) -> None:
    folder = save(tmp_path / "data", DETECTION, layout)
    data: Any = load_task(TASKS["detection"], LoadOptions(folder, unpacked=tmp_path / "run"))
    assert data.coco.categories == {1: "hot dog", 2: "jack-o'-lantern"}
    assert [sample.id for sample in data.samples("{category}", "negatives")] == ["1:1", "2:1", "3:2"]
    assert [sample.id for sample in data.samples("{category}", "truth")] == ["1:1", "3:2"]
    first, second, third = data.samples("{category}", "negatives")
    assert first.boxes.tolist() == [[20, 20, 100, 60], [0, 0, 2, 1]]
    assert first.image_size == (200, 100)
    assert second.boxes.shape == (0, 4)
    assert third.boxes.tolist() == [[0, 0, 200, 50]]
    assert not (tmp_path / "run").exists()
    data.check_images()
    assert load_image(third.image).getpixel((0, 0)) == (0, 0, 255)
    assert third.image.is_relative_to(tmp_path / "run")


def test_only_the_images_that_are_drawn_are_written(tmp_path: Path) -> None:
    folder = save(tmp_path / "data", [(DETECTION[0][0], BOXES)] * 6)
    data = load_task(TASKS["detection"], LoadOptions(folder, limit=2, seed=1, unpacked=tmp_path / "run"))
    data.check_images()
    (home,) = (tmp_path / "run").iterdir()
    written = sorted(home.iterdir())
    assert written == sorted(data.images())
    assert len(written) == 2
    before = [path.stat().st_mtime_ns for path in written]
    data.check_images()
    assert [path.stat().st_mtime_ns for path in written] == before
    # Another table's rows have the same numbers, and other images.
    other = load_task(
        TASKS["detection"], LoadOptions(save(tmp_path / "other", DETECTION[::-1]), unpacked=tmp_path / "run")
    )
    other.check_images()
    assert not set(other.images()) & set(data.images())


def test_rows_are_run_and_reported_from_the_command_line(tmp_path: Path, tiny_model: Path) -> None:
    folder = save(tmp_path / "data", DETECTION)
    arguments = ["run", "detection", "--model", tiny_model, "--data", folder, "--out", tmp_path / "run", "--limit", "1"]
    more = ["--device", "cpu", "--max-new-tokens", "4", "--resamples", "0", "--gate", "negatives"]
    done = CliRunner().invoke(app, [str(argument) for argument in arguments + more])
    assert done.exit_code == 0, done.stderr
    before = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert before["counts"]["samples"] == 1
    assert "image/png" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    again = CliRunner().invoke(app, ["report", str(tmp_path / "run")])
    assert again.exit_code == 0, again.stderr
    assert json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8")) == before


def test_classes_and_boxes_of_a_description_are_read_from_the_solution(tmp_path: Path) -> None:
    problem = render("classification-flowers")
    folder = save(tmp_path / "flowers", [(problem, "<answer>pink primrose</answer>"), (problem, "bells")])
    flowers: Any = load_task(TASKS["flowers102"], LoadOptions(folder))
    assert [(sample.id, sample.label) for sample in flowers.samples("?", None)] == [
        ("000000.png", "pink primrose"),
        ("000001.png", "bells"),
    ]
    assert flowers.labels == ("pink primrose", "bells")
    with pytest.raises(InputError, match=r"row 1: there is no such class; did you mean blue bells"):
        load_task(TASKS["flowers102"], LoadOptions(folder, labels=("pink primrose", "blue bells")))
    rows = [
        (render("grounding", question="the cup"), "<answer>(100,200),(500,600)</answer>"),
        ("Where is it?", "[0, 0, 1000, 1000]"),
    ]
    grounding = load_task(TASKS["grounding"], LoadOptions(save(tmp_path / "lines", rows)))
    assert [
        (sample.id, sample.category, sample.boxes.tolist()) for sample in grounding.samples("{question}", None)
    ] == [
        ("000000", "the cup", [[20, 20, 100, 60]]),
        ("000001", "Where is it?", [[0, 0, 200, 100]]),
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("What is this?", BOXES), "row 1: the question names no category"),
        ((DETECTION[0][0], "a hot dog"), "row 1: the solution is no list of boxes from 0 to 1000"),
        ((DETECTION[0][0], "[{'Position': [1, 2, 5000, 6], 'Confidence': 1}]"), "row 1: the solution is no list"),
        ((DETECTION[0][0], None), "row 1: problem and solution must be text"),
    ],
)
def test_a_row_that_says_nothing_usable_is_refused(tmp_path: Path, row: Any, expected: str) -> None:
    folder = save(tmp_path / "data", [DETECTION[0], row])
    with pytest.raises(InputError, match=expected):
        load_task(TASKS["detection"], LoadOptions(folder))
    findings = Findings(collect=True)
    data: Any = load_task(TASKS["detection"], LoadOptions(folder), findings)
    assert len(data.coco.images) == findings.count("unusable_entry") == 1


def test_questions_that_are_not_the_tasks_are_counted(tmp_path: Path) -> None:
    rows = [(render("classification-flowers"), "rose"), ("Which flower?", "tulip")]
    findings = Findings()
    load_task(TASKS["flowers102"], LoadOptions(save(tmp_path / "data", rows)), findings)
    assert [found.examples for found in findings if found.kind == "other_question"] == [["row 1: 'Which flower?'"]]
    findings = Findings()
    rows = [(DETECTION[0][0], BOXES), ("Find what belongs to category 'bus' here.", BOXES)]
    data: Any = load_task(TASKS["detection"], LoadOptions(save(tmp_path / "buses", rows)), findings)
    assert set(data.coco.categories.values()) == {"hot dog", "bus"}
    assert findings.count("other_question") == 1


def test_a_split_must_be_one_that_is_there(tmp_path: Path) -> None:
    folder = save(tmp_path / "data", DETECTION)
    assert load_task(TASKS["detection"], LoadOptions(folder, split="train"))
    with pytest.raises(InputError, match="--split must be one of train, got 'validation'"):
        load_task(TASKS["detection"], LoadOptions(folder, split="validation"))
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "../x"]}), encoding="utf-8")
    with pytest.raises(InputError, match="must stay inside the data folder"):
        load_task(TASKS["detection"], LoadOptions(folder))


def test_broken_files_rows_without_images_and_other_columns_are_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "data", DETECTION, "parquet")
    shard = folder / "data" / "train-00000-of-00001.parquet"
    with pytest.raises(InputError, match="there is no column 'answer'; needed are problem, answer"):
        list(Table(folder, (shard,)).columns("problem", "answer"))
    shard.write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(InputError, match="not a table that can be read"):
        load_task(TASKS["detection"], LoadOptions(folder))
    saved = save(tmp_path / "saved", DETECTION)
    arrow = next((saved / "train").glob("*.arrow"))
    arrow.write_bytes(arrow.read_bytes()[:400])
    with pytest.raises(InputError, match="not a table that can be read"):
        load_task(TASKS["detection"], LoadOptions(saved))
    rows = {"image": [{"bytes": None, "path": "/mnt/x.png"}, {"bytes": b"no image", "path": None}]}
    table = datasets.Dataset.from_dict({**rows, "problem": ["p"] * 2, "solution": ["s"] * 2})
    table.save_to_disk(str(tmp_path / "paths"))
    with pytest.raises(InputError, match="row 0: holds no image, only the path of one"):
        load_task(TASKS["detection"], LoadOptions(tmp_path / "paths"))
    findings = Findings(collect=True)
    with pytest.raises(InputError, match="holds no rows"):
        load_task(TASKS["detection"], LoadOptions(tmp_path / "paths"), findings)
    assert [(found.kind, found.count) for found in findings] == [("image_absent", 1), ("image_unreadable", 1)]
