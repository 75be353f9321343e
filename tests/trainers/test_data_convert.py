"""Visual-RFT's own sets, as they are published, in the forms of every framework."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import datasets
import pytest
from data_helpers import FULL, made, read, real_data, refused, scores
from PIL import Image

from trainers.data.__main__ import main
from vrft_eval.tasks.prompts import render

BUS = render("detection", category="bus").removeprefix("<image>\n")
THINK = "<think>It is there.</think>"
ROWS = {
    "detection": [
        (BUS, "<answer>[{'Position': [100, 200, 500, 600], 'Confidence': 1}]</answer>"),
        (BUS, "<answer>No Objects</answer>"),
        (BUS, "<answer>[{'Position': [0, 0, 10, 10], 'Confidence': 1}, {'Position': [0, 0, 1000, 999]}]</answer>"),
    ],
    "classification": [
        (render("classification-flowers"), "<answer>pink primrose</answer>"),
        (render("classification-flowers"), "<answer>tiger lily</answer>"),
        (render("classification-flowers"), "<answer>pink primrose</answer>"),
    ],
    "grounding": [
        (render("grounding", question="the cup"), "<answer>(100,200),(500,600)</answer>"),
        (render("grounding", question="what one sits on"), "<answer>(0,0),(1000,999)</answer>"),
    ],
}


def write(source: Path, rows: list[tuple[str, str]], layout: str = "saved", **columns: list[Any]) -> Path:
    """Rows of (problem, solution) beside images of 200x100 pixels, RGBA as the released are; returns the source."""
    images = [Image.new("RGBA", (200, 100), (10 * k % 256, 0, 0, 255)) for k in range(len(rows))]
    if layout in ("jsonl", "json"):
        source.mkdir(parents=True)
        entries = []
        for k, (problem, solution) in enumerate(rows):
            images[k].save(source / f"{k}.png")
            name = "image" if layout == "jsonl" else "image_path"
            entries.append({name: f"{k}.png", "problem": problem, "solution": solution})
        lines = "".join(json.dumps(entry) + "\n" for entry in entries)
        file = source / f"rows.{layout}"
        file.write_text(lines if layout == "jsonl" else json.dumps(entries), encoding="utf-8")
        return file
    given = {"image": images, "problem": [row[0] for row in rows], "solution": [row[1] for row in rows], **columns}
    table = datasets.Dataset.from_dict(given).cast_column("image", datasets.Image())
    if layout == "saved":
        datasets.DatasetDict({"train": table}).save_to_disk(str(source))
        return source
    source.mkdir(parents=True)
    file = source / "train-00000-of-00001.parquet"
    table.to_parquet(str(file))
    return source if layout == "parquet" else file


@pytest.mark.parametrize("form", ["trl", "easyr1", "verl", "ms-swift", "openrlhf"])
@pytest.mark.parametrize("task", list(ROWS))
def test_every_converted_row_earns_full_marks_through_the_adapter(task: str, form: str, tmp_path: Path) -> None:
    source = write(tmp_path / "source", ROWS[task])
    assert main(["convert", str(source), "--to", form, "--out", str(tmp_path / "out")]) == 0
    rows = read(form, tmp_path / "out")
    own = [THINK + solution for _, solution in ROWS[task]]
    assert scores(form, rows, own, task) == [FULL[task]] * len(own)
    others = own[1:] + own[:1]
    assert max(scores(form, rows, others, task)[:1]) < FULL[task]


@pytest.mark.parametrize("layout", ["saved", "parquet", "file", "jsonl", "json"])
@pytest.mark.parametrize("task", list(ROWS))
def test_each_way_to_keep_the_rows_gives_the_same(task: str, layout: str, tmp_path: Path) -> None:
    source = write(tmp_path / "source", ROWS[task], layout)
    rows = made(tmp_path / "out", "convert", source, "--to", "datasets")
    assert [row["problem"] for row in rows] == [problem for problem, _ in ROWS[task]]
    assert [row["id"] for row in rows] == [str(k) for k in range(len(rows))]
    assert {row["task"] for row in rows} == {task}
    assert [row["image"].getpixel((0, 0))[0] for row in rows] == [10 * k for k in range(len(rows))]
    if task == "detection":
        assert [row["boxes"] for row in rows] == [
            [[100, 200, 500, 600]],
            [],
            [[0, 0, 10, 10], [0, 0, 1000, 999]],
        ]
        assert {row["category"] for row in rows} == {"bus"}
    elif task == "grounding":
        assert [row["box"] for row in rows] == [[100, 200, 500, 600], [0, 0, 1000, 999]]
    else:
        assert [row["label"] for row in rows] == ["pink primrose", "tiger lily", "pink primrose"]
        assert (tmp_path / "out" / "labels.txt").read_text(encoding="utf-8") == "pink primrose\ntiger lily\n"


def test_our_own_sets_keep_their_ids_classes_and_questions(tmp_path: Path) -> None:
    first = made(tmp_path / "first", "shapes-classification", "--count", 6)
    again = made(tmp_path / "again", "convert", tmp_path / "first", "--to", "datasets")
    for one, other in zip(first, again, strict=True):
        assert {**one, "image": one["image"].tobytes()} == {**other, "image": other["image"].tobytes()}
    assert (tmp_path / "first" / "labels.txt").read_bytes() == (tmp_path / "again" / "labels.txt").read_bytes()


def test_solutions_of_a_real_training_set_are_read_to_the_number(tmp_path: Path) -> None:
    """Texts of the training set in the public logs, taken as what they say; every image here is of 1000x1000."""
    file = real_data("completions/real_completions.jsonl")
    texts = {json.loads(line)["ground_truth"] for line in file.read_text(encoding="utf-8").splitlines()} - {None}
    solutions = sorted(texts)[:200]
    assert len(solutions) > 100
    source = write(tmp_path / "source", [(BUS, text) for text in solutions])
    rows = made(tmp_path / "out", "convert", source, "--to", "datasets")
    wanted = [[[float(n) for n in box.split(",")] for box in re.findall(r"\[([\d, ]+)\]", text)] for text in solutions]
    assert [row["boxes"] for row in rows] == wanted


def test_a_bad_row_is_refused_by_its_number_or_left_out_and_counted(tmp_path: Path, capsys: Any) -> None:
    bad = [
        *ROWS["detection"],
        (BUS, "a bus"),
        (BUS, "[{'Position': [1, 2, 5000, 6], 'Confidence': 1}]"),
        ("What is it?", "<answer>No Objects</answer>"),
    ]
    source = write(tmp_path / "source", bad)
    said = refused(capsys, tmp_path / "out", "convert", source, "--to", "trl")
    assert "row 3: the solution is no list of boxes from 0 to 1000, got 'a bus'" in said
    assert main(["convert", str(source), "--to", "verl", "--bad", "skip", "--out", str(tmp_path / "out")]) == 0
    assert len(read("verl", tmp_path / "out")) == 3
    assert "3 rows were left out: entries that can't be used (the first: row 3:" in capsys.readouterr().out
    said = refused(capsys, tmp_path / "x", "convert", source, "--to", "verl", "--bad", "fix")
    assert "--bad: must be error or skip" in said


def test_the_task_is_told_by_the_rows_or_asked_for(tmp_path: Path, capsys: Any) -> None:
    source = write(tmp_path / "source", [("Which flower?", "<answer>rose</answer>")] * 2)
    command = ("convert", source, "--to", "datasets")
    said = refused(capsys, tmp_path / "out", *command)
    assert "row 0: the question tells no task; name it with --task, got 'Which flower?'" in said
    assert "--task: must be detection" in refused(capsys, tmp_path / "out", *command, "--task", "counting")
    rows = made(tmp_path / "out", *command, "--task", "classification")
    assert rows[0]["problem"] == "Which flower?"
    mixed = write(tmp_path / "mixed", ROWS["detection"], task=["detection", "classification", "detection"])
    said = refused(capsys, tmp_path / "x", "convert", mixed, "--to", "trl")
    assert "there are rows of several tasks (classification, detection); convert each alone" in said


def test_boxes_in_pixels_are_not_taken_for_others(tmp_path: Path, capsys: Any) -> None:
    made(tmp_path / "pixels", "shapes-detection", "--count", 3, "--space", "pixels")
    said = refused(capsys, tmp_path / "out", "convert", tmp_path / "pixels", "--to", "trl")
    assert "space: its boxes are in pixels; make it again with --space norm1000" in said


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"problem": BUS, "solution": "No Objects"}, "rows.jsonl:2: image: must be a relative path, got None"),
        ({"image": "../a.png", "problem": BUS, "solution": "x"}, "rows.jsonl:2: image: must stay inside"),
        ({"image": "gone.png", "problem": BUS, "solution": "x"}, "rows.jsonl:2: image: gone.png: no such image"),
        ({"image": "rows.jsonl", "problem": BUS, "solution": "x"}, "rows.jsonl:2: image: rows.jsonl: not an image"),
        ({"image": "0.png", "problem": BUS}, "rows.jsonl:2: solution: must be text, got None"),
        ([], "rows.jsonl:2: must be a JSON object"),
    ],
)
def test_a_bad_line_is_refused_with_its_number(line: Any, expected: str, tmp_path: Path, capsys: Any) -> None:
    file = write(tmp_path / "source", ROWS["detection"][:1], "jsonl")
    file.write_text(file.read_text(encoding="utf-8") + json.dumps(line) + "\n", encoding="utf-8")
    assert expected in refused(capsys, tmp_path / "out", "convert", file, "--to", "trl")


def test_what_is_no_such_set_is_refused(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "empty").mkdir()
    said = refused(capsys, tmp_path / "o", "convert", tmp_path / "x", "--to", "trl")
    assert "no such file or folder" in said
    said = refused(capsys, tmp_path / "o", "convert", tmp_path / "empty", "--to", "trl")
    assert "is no folder of save_to_disk" in said
    table = datasets.Dataset.from_dict({"picture": [1], "problem": ["a"], "solution": ["b"]})
    table.save_to_disk(str(tmp_path / "other"))
    said = refused(capsys, tmp_path / "o", "convert", tmp_path / "other", "--to", "trl")
    assert "there is no column 'image'" in said
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    said = refused(capsys, tmp_path / "o", "convert", tmp_path / "a.parquet", "--to", "trl")
    assert "a.parquet: not a table that can be read" in said
