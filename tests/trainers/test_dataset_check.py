"""Data that a reward couldn't be computed from is refused with row and field, before a model is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from PIL import Image
from training_helpers import make_rows, save_data, write_recipe

from trainers.recipe import load_recipe
from trainers.training_set import TrainingSet, training_set
from vrft_eval.errors import InputError

TYPED = ("task", "space", "width", "height", "boxes", "label", "box")


def opened(folder: Path, *overrides: str, **fields: Any) -> TrainingSet:
    return training_set(load_recipe(write_recipe(folder, **fields), overrides))


def test_rows_keep_their_truth(tmp_path: Path) -> None:
    rows = make_rows()
    save_data(tmp_path / "data", rows)
    found = opened(tmp_path)
    assert list(found.rewards) == ["detection", "classification", "grounding"]
    for row, kept in zip(rows, found.data, strict=True):
        assert kept["prompt"] == [{"role": "user", "content": row["problem"]}]
        assert [kept[name] for name in ("id", "task", "boxes", "label", "box")] == [
            row[name] for name in ("id", "task", "boxes", "label", "box")
        ]
        assert kept["image_size"] == [112, 112]


@pytest.mark.parametrize("task", ["detection", "classification", "grounding"])
def test_the_truth_is_read_out_of_virft_solutions(tmp_path: Path, task: str) -> None:
    rows = make_rows([task], 4)
    save_data(tmp_path / "data", rows, leave_out=TYPED)
    data = opened(tmp_path, task=task).data
    column = {"detection": "boxes", "classification": "label", "grounding": "box"}[task]
    assert [row[column] for row in data] == [row[column] for row in rows]


def test_json_lines_with_paths_of_images(tmp_path: Path) -> None:
    rows = make_rows(["grounding"], 2)
    (tmp_path / "data/images").mkdir(parents=True)
    lines = []
    for k, row in enumerate(rows):
        row["image"].save(tmp_path / f"data/images/{k}.png")
        lines.append(json.dumps({"image": f"images/{k}.png", "problem": row["problem"], "box": row["box"]}))
    (tmp_path / "data/train.jsonl").write_text("\n".join(lines) + "\n")
    data = opened(tmp_path, task="grounding").data
    assert data[1]["image"].size == (112, 112)
    assert data[1]["box"] == rows[1]["box"]
    (tmp_path / "data/images/1.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    with pytest.raises(InputError, match="row 1, image: can't be opened"):
        opened(tmp_path, task="grounding")


def test_prompts_without_spread_are_left_out(tmp_path: Path) -> None:
    save_data(tmp_path / "data", make_rows(count=3))
    (tmp_path / "earlier").mkdir()
    groups = [("row-0", 0.0), ("row-1", 0.0), ("row-1", 0.5), ("row-0", 0.0)]
    lines = [json.dumps({"id": name, "std": std}) for name, std in groups]
    # Twice torn by a crash, and once gone on.
    (tmp_path / "earlier/groups.jsonl").write_text("\n".join(['{"id"', *lines, '{"id": "ro']))
    data = opened(tmp_path, without_flat=str(tmp_path / "earlier")).data
    assert data["id"][:] == ["row-1", "row-2"]
    (tmp_path / "earlier/groups.jsonl").write_text("not a group at all")
    with pytest.raises(InputError, match="holds no groups"):
        opened(tmp_path, without_flat=str(tmp_path / "earlier"))


def set_row(field: str, value: Any, row: int = 0) -> Callable[[list[dict[str, Any]]], None]:
    return lambda rows: rows[row].update({field: value})


BAD_ROWS = {
    "a box without area": (set_row("boxes", [[5, 5, 5, 9]]), "row 0, boxes: truth[0]: expected x1 < x2"),
    "three numbers": (set_row("boxes", [[5, 5, 9]]), "row 0, boxes: truth"),
    "outside of norm1000": (set_row("boxes", [[5, 5, 9, 1001]]), "row 0, boxes: reaches outside 1000 x 1000"),
    "another space": (set_row("space", "pixels"), "row 0, space: the recipe's truth_space is 'norm1000'"),
    "another size": (set_row("width", 640, 1), "row 1, width: the image is 112 x 112, got 640"),
    "no truth": (lambda rows: rows[2].update(box=None, solution=None), "row 2, solution: expected the right answer"),
    "an unreadable solution": (lambda rows: rows[2].update(box=None, solution="?"), "row 2, solution: no grounding"),
    "another task's truth": (lambda rows: rows[1].update(label=None, box=[1, 2, 3, 4]), "row 1, label: is missing"),
    "no task": (set_row("task", None, 1), "row 1, task: expected one of detection"),
    "an unknown task": (set_row("task", "counting", 1), "row 1, task: expected one of detection"),
    "no question": (set_row("problem", " ", 1), "row 1, problem: expected the text"),
    "no image": (set_row("image", None, 2), "row 2, image: is missing"),
    "a line for an image": (set_row("image", Image.new("L", (999, 4)), 2), "row 2, image: 999 x 4 is beyond"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_bad_rows_are_refused(tmp_path: Path, name: str) -> None:
    change, message = BAD_ROWS[name]
    rows = make_rows(count=3)
    change(rows)
    save_data(tmp_path / "data", rows)
    with pytest.raises(InputError) as error:
        opened(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'data'}: {message}")


def test_a_box_outside_of_its_image(tmp_path: Path) -> None:
    rows = make_rows(["grounding"], 2)
    for row in rows:
        row.update(space="pixels", box=[1, 1, 50, 60])
    rows[1]["box"] = [1, 1, 113, 60]
    save_data(tmp_path / "data", rows)
    with pytest.raises(InputError, match=r"row 1, box: reaches outside 112 x 112.*got \[1.0, 1.0, 113.0, 60.0\]"):
        opened(tmp_path, truth_space="pixels")


def test_norm1_is_not_norm1000(tmp_path: Path) -> None:
    rows = make_rows(["grounding"], 2)
    for row in rows:
        row["box"] = [0.1, 0.1, 0.5, 0.6]
    save_data(tmp_path / "data", rows)
    with pytest.raises(InputError, match="this is 'norm1', not 'norm1000'"):
        opened(tmp_path)


@pytest.mark.parametrize("space", ["norm1000", "pixels", "pixels-resized"])
def test_norm1_is_no_other_space(tmp_path: Path, space: str) -> None:
    rows = make_rows(["grounding"], 2)
    for row in rows:
        row.update(box=[0.1, 0.1, 0.5, 0.6], space=None)
    save_data(tmp_path / "data", rows)
    with pytest.raises(InputError, match=f"this is 'norm1', not '{space}'"):
        opened(tmp_path, truth_space=space, min_pixels=3136, max_pixels=12544)


def test_pixels_are_not_taken_for_thousandths(tmp_path: Path) -> None:
    rows = make_rows(["detection"], 4)
    for row in rows:
        row.update(space=None, boxes=[[1, 1, 100, 112]])
    save_data(tmp_path / "data", rows)
    with pytest.raises(InputError, match="every box lies within its image in pixels: say truth_space=pixels, or"):
        opened(tmp_path)
    assert len(opened(tmp_path, truth_space="norm1000").data) == len(opened(tmp_path, truth_space="pixels").data) == 4


@pytest.mark.parametrize(
    ("task", "truth", "message"),
    [
        ("grounding", [[1, 2, 3, 4]], r"row 0, box: expected \[x1, y1, x2, y2\]"),
        ("grounding", "1, 2, 3, 4", "row 0, box: "),
        (
            "detection",
            {"boxes": [[1, 2, 3, 4]], "labels": ["cat"]},
            r"row 0, boxes: expected \[\[x1, y1, x2, y2\], ...\]",
        ),
    ],
)
def test_a_truth_of_another_shape(tmp_path: Path, task: str, truth: Any, message: str) -> None:
    row = make_rows([task], 1)[0]
    (tmp_path / "data").mkdir()
    row["image"].save(tmp_path / "data/0.png")
    field = {"detection": "boxes", "grounding": "box"}[task]
    line = {"image": "0.png", "problem": row["problem"], field: truth}
    (tmp_path / "data/train.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(InputError, match=message):
        opened(tmp_path, task=task)


def test_a_column_that_holds_no_images(tmp_path: Path) -> None:
    row = make_rows(["grounding"], 1)[0]
    Dataset.from_dict({"image": [7], "problem": ["?"], "box": [row["box"]]}).save_to_disk(str(tmp_path / "data"))
    with pytest.raises(InputError, match=r"image: a column of .*int64.* can't be read as images"):
        opened(tmp_path, task="grounding")


def test_a_label_that_is_not_on_the_list(tmp_path: Path) -> None:
    rows = make_rows(["classification"], 2)
    save_data(tmp_path / "data", rows)
    with pytest.raises(InputError, match=f"row 1, label: truth: '{rows[1]['label']}' isn't one of the 2 labels"):
        opened(tmp_path, reward={"labels": [rows[0]["label"], "something else"]})


@pytest.mark.parametrize("column", ["image", "problem"])
def test_missing_columns(tmp_path: Path, column: str) -> None:
    save_data(tmp_path / "data", make_rows(count=3), leave_out=[column])
    with pytest.raises(InputError, match=f"there is no column '{column}'"):
        opened(tmp_path)


def test_a_truth_column_and_no_solution(tmp_path: Path) -> None:
    save_data(tmp_path / "data", make_rows(count=3), leave_out=["label", "solution"])
    with pytest.raises(InputError, match="row 1, label: is missing, and there is no solution"):
        opened(tmp_path)


def test_tasks_are_not_guessed(tmp_path: Path) -> None:
    save_data(tmp_path / "data", make_rows(count=3), leave_out=["task"])
    with pytest.raises(InputError, match="no column 'task', and the recipe names no task"):
        opened(tmp_path)
    with pytest.raises(InputError, match=r"row 1, boxes: is missing, while label is there.*needs a column task"):
        opened(tmp_path, task="detection")


def test_mixed_solutions_need_a_task(tmp_path: Path) -> None:
    save_data(tmp_path / "data", make_rows(count=3), leave_out=TYPED)
    with pytest.raises(InputError, match=r"row 1, solution: no detection truth can be read.*needs a column task"):
        opened(tmp_path, task="detection")
    with pytest.raises(InputError, match="row 0, solution: no classification truth can be read"):
        opened(tmp_path, task="classification")


def test_the_command_refuses_before_it_loads_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from trainers.grpo import main

    rows = make_rows(count=3)
    rows[0]["boxes"] = [[0, 0, 5000, 10]]
    save_data(tmp_path / "data", rows)
    # The model isn't there either: had it been looked at, that would be the error.
    assert main([str(write_recipe(tmp_path)), "model=./nowhere"]) == 2
    assert "row 0, boxes: reaches outside" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
