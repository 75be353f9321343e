"""What of the data is taken: each option is remembered in run.json; a run is continued only under the same ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import coco_document, completion, write_coco, write_image, write_lines
from typer.testing import CliRunner

from vrft_eval.cli import app
from vrft_eval.data_paths import DataPaths
from vrft_eval.errors import InputError
from vrft_eval.tasks import TASKS

runner = CliRunner()


def run(*arguments: Any) -> Any:
    return runner.invoke(app, [str(argument) for argument in arguments])


def info(folder: Path) -> Any:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def report(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


@pytest.fixture
def detection(tmp_path: Path) -> tuple[Path, Path]:
    """COCO data without images, and answers to the two pairs with truth."""
    write_coco(tmp_path / "data")
    rows = [
        {"id": "7:1", "completion": completion([[20, 10, 120, 60]], (200, 100), [0.9])},
        {"id": "9:2", "completion": completion([[5, 5, 25, 25]], (50, 50), [0.9])},
    ]
    return tmp_path / "data", write_lines(tmp_path / "answers.jsonl", rows)


def test_categories_change_the_headline_and_are_remembered(detection: tuple[Path, Path], tmp_path: Path) -> None:
    data, answers = detection
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("Cat\n", encoding="utf-8")
    command = ("score", "detection", "--data", data, "--responses", answers, "--out", tmp_path / "run")
    done = run(*command, "--categories", wanted)
    assert done.exit_code == 0, done.stderr
    assert info(tmp_path / "run")["settings"]["categories"] == ["Cat"]
    first = report(tmp_path / "run")
    assert first["counts"]["categories"] == 1
    assert {name: row["selected"] for name, row in first["per_category"].items()} == {"cat": True, "dog": False}
    # The file of names is not needed again.
    wanted.unlink()
    assert run("report", tmp_path / "run").exit_code == 0
    assert report(tmp_path / "run")["metrics"] == first["metrics"]
    other = run(*command, "--categories", "cat,dog")
    assert other.exit_code == 2
    assert "categories: ['Cat'] then, ['cat', 'dog'] now" in other.stderr
    assert run(*command).exit_code == 2
    wrong = run(*command, "--new", "--categories", "cats")
    assert wrong.exit_code == 2
    assert "there is no category 'cats'; did you mean cat" in wrong.stderr


def test_recorded_answers_need_no_images_and_the_report_says_that_there_are_none(
    detection: tuple[Path, Path], tmp_path: Path
) -> None:
    data, answers = detection
    command = ("score", "detection", "--data", data, "--responses", answers, "--out", tmp_path / "run")
    assert run(*command).exit_code == 0
    notes = report(tmp_path / "run")["notes"]
    assert "2 images are not there: the report shows no picture of them." in notes
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "image/png" not in page
    refused = run(*command, "--new", "--missing", "error")
    assert refused.exit_code == 2
    assert "none of the 2 images is there" in refused.stderr
    # The pictures come back with the images.
    write_coco(data, images=True)
    assert run("report", tmp_path / "run").exit_code == 0
    assert not any("not there" in note for note in report(tmp_path / "run")["notes"])


def test_a_prompt_of_ones_own_is_remembered(detection: tuple[Path, Path], tmp_path: Path) -> None:
    data, answers = detection
    (tmp_path / "prompt.txt").write_text("Where is {category}?\n", encoding="utf-8")
    command = ("score", "detection", "--data", data, "--responses", answers, "--out", tmp_path / "run")
    assert run(*command, "--prompt", tmp_path / "prompt.txt").exit_code == 0
    assert info(tmp_path / "run")["settings"]["prompt"] == "Where is {category}?"
    assert run(*command).exit_code == 2
    (tmp_path / "prompt.txt").write_text("Where is it?\n", encoding="utf-8")
    done = run(*command, "--new", "--prompt", tmp_path / "prompt.txt")
    assert done.exit_code == 2
    assert "{category}" in done.stderr


def test_labels_and_a_split_are_remembered(tmp_path: Path) -> None:
    split = {"train": [["x.jpg", 1, "tulip"]], "val": [["y.jpg", 0, "rose"]], "test": [["z.jpg", 0, "rose"]]}
    (tmp_path / "split_zhou_OxfordFlowers.json").write_text(json.dumps(split), encoding="utf-8")
    (tmp_path / "names.json").write_text(json.dumps({"1": "Rosa", "2": "Tulipa"}), encoding="utf-8")
    answers = write_lines(
        tmp_path / "answers.jsonl", [{"id": "jpg/y.jpg", "completion": "<think>a</think><answer>rosa</answer>"}]
    )
    command = ("score", "flowers102", "--data", tmp_path, "--responses", answers, "--out", tmp_path / "run")
    done = run(*command, "--split", "val", "--labels", tmp_path / "names.json")
    assert done.exit_code == 0, done.stderr
    settings = info(tmp_path / "run")["settings"]
    assert (settings["split"], settings["labels"]) == ("val", ["Rosa", "Tulipa"])
    assert report(tmp_path / "run")["metrics"]["accuracy"] == 1.0
    (tmp_path / "names.json").unlink()
    assert run("report", tmp_path / "run").exit_code == 0
    assert report(tmp_path / "run")["metrics"]["accuracy"] == 1.0
    unknown = run(*command)
    assert unknown.exit_code == 2
    assert "unknown image" in unknown.stderr


def test_images_that_a_run_left_out_stay_out_of_its_reports(tmp_path: Path, tiny_model: Path) -> None:
    write_coco(tmp_path / "data", images=True)
    (tmp_path / "data" / "images" / "b.png").unlink()
    command = (
        *("run", "detection", "--model", tiny_model, "--data", tmp_path / "data", "--out", tmp_path / "run"),
        *("--device", "cpu", "--max-new-tokens", "4", "--resamples", "0"),
    )
    refused = run(*command)
    assert refused.exit_code == 2
    assert "b.png: no such image; --missing skip leaves out what is not there" in refused.stderr
    assert not (tmp_path / "run").exists()
    done = run(*command, "--missing", "skip")
    assert done.exit_code == 0, done.stderr
    assert info(tmp_path / "run")["settings"]["left_out"] == ["b.png"]
    assert report(tmp_path / "run")["counts"]["images_left_out"] == 1
    assert any("Images left out" in note for note in report(tmp_path / "run")["notes"])
    write_image(tmp_path / "data" / "images" / "b.png", (50, 50))
    assert run("report", tmp_path / "run").exit_code == 0
    assert report(tmp_path / "run")["counts"]["images_left_out"] == 1
    assert report(tmp_path / "run")["counts"]["images"] == 1
    again = run(*command, "--missing", "skip")
    assert again.exit_code == 2
    assert "left_out: ['b.png'] then, [] now" in again.stderr


def test_options_of_another_kind_of_task_are_refused_alone_and_left_aside_among_others() -> None:
    paths = DataPaths(categories="cat", labels="a,b")
    for task in ("pets37", "coco", "reasonseg"):
        with pytest.raises(InputError, match=r"only (detection|classification) tasks have"):
            paths.options(TASKS[task])
    assert paths.suited(TASKS["pets37"]).options(TASKS["pets37"]).labels == ("a", "b")
    assert paths.suited(TASKS["coco"]).options(TASKS["coco"]).categories == ("cat",)
    assert paths.suited(TASKS["reasonseg"]).options(TASKS["reasonseg"]).labels is None


def test_a_report_can_be_made_from_data_that_have_moved(detection: tuple[Path, Path], tmp_path: Path) -> None:
    data, answers = detection
    command = ("score", "detection", "--data", data, "--responses", answers, "--out", tmp_path / "run")
    assert run(*command, "--categories", "dog").exit_code == 0
    before = report(tmp_path / "run")["metrics"]
    data.rename(tmp_path / "moved")
    assert run("report", tmp_path / "run").exit_code == 2
    assert run("report", tmp_path / "run", "--data", tmp_path / "moved").exit_code == 0
    assert report(tmp_path / "run")["metrics"] == before
    document = coco_document()
    document["annotations"][2]["bbox"] = [6, 5, 20, 20]
    write_coco(tmp_path / "moved", document)
    other = run("report", tmp_path / "run")
    assert other.exit_code == 2
    assert "data: " in other.stderr
