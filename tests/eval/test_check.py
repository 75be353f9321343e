"""`vrft-eval check` and `vrft-eval tasks`: everything that is wrong with a data set at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import coco_document, real_data, write_coco, write_image, write_lines
from typer.testing import CliRunner

from vrft_eval.check.models import CheckReport
from vrft_eval.check.run import check_task
from vrft_eval.cli import app
from vrft_eval.findings import KINDS
from vrft_eval.rle import encode_rle
from vrft_eval.tasks import TASKS, LoadOptions
from vrft_eval.tasks.prompts import names

runner = CliRunner()


def check(task: str, data: Path | None, *, full: bool = False, **options: Any) -> CheckReport:
    return check_task(TASKS[task], LoadOptions(data, missing=options.pop("missing", "error"), **options), full=full)


def found(report: CheckReport) -> dict[str, int]:
    return {finding.kind: finding.count for finding in report.findings}


def example(report: CheckReport, kind: str) -> str:
    return next(finding.examples[0] for finding in report.findings if finding.kind == kind)


def test_good_data_are_counted_and_nothing_is_wrong(tmp_path: Path) -> None:
    document = coco_document()
    document["categories"].pop()
    document["images"][0].pop("neg_category_ids")
    write_coco(tmp_path, document, images=True)
    report = check("detection", tmp_path)
    assert report.found == {"images": 2, "categories": 2, "selected_categories": 2, "boxes": 2, "crowds": 1}
    assert report.prompts == {"none": 4, "truth": 2, "negatives": 2}
    assert found(report) == {"crowd_only": 1}
    assert report.count("error") == 0


def test_everything_odd_in_detection_data_is_told_at_once(tmp_path: Path) -> None:
    document = coco_document()
    images, annotations = document["images"], document["annotations"]
    images += [
        {"id": 9, "file_name": "again.png", "width": 5, "height": 5},
        {"id": 10, "file_name": "../out.png", "width": 5, "height": 5},
        {"id": 11, "file_name": "zero.png", "width": 0, "height": 5},
        {"id": 12, "file_name": "gone.png", "width": 5, "height": 5},
        {"id": 3, "file_name": "other_size.png", "width": 5, "height": 5},
        {"id": 13, "file_name": "broken.png", "width": 5, "height": 5},
        {"id": 14, "file_name": "a.png", "width": 200, "height": 100},
    ]
    annotations += [
        {"id": 3, "image_id": 9, "category_id": 2, "bbox": [1, 1, 2, 2]},
        {"id": 0, "image_id": 9, "category_id": 2, "bbox": [5, 5, 20, 20]},
        {"image_id": 9, "category_id": 9, "bbox": [1, 1, 2, 2]},
        {"image_id": 99, "category_id": 1, "bbox": [1, 1, 2, 2]},
        {"image_id": 9, "category_id": 1, "bbox": [30, 30, 40, 40], "area": 9},
        {"image_id": 9, "category_id": 1, "bbox": [30, 30, 20.5, 9], "area": 9},
        {"image_id": 9, "category_id": 1, "bbox": [60, 60, 5, 5], "area": 9},
        {"image_id": 9, "category_id": 1, "bbox": [3, 3, 1, 9], "area": 9},
        {"image_id": 9, "category_id": 1, "bbox": [3, 3, -1, 9], "area": 9},
    ]
    write_coco(tmp_path, document)
    for name, size in (("a.png", (200, 100)), ("b.png", (50, 50)), ("other_size.png", (6, 5)), ("extra.png", (5, 5))):
        write_image(tmp_path / "images" / name, size)
    (tmp_path / "images" / "broken.png").write_bytes(b"no")
    report = check("detection", tmp_path)
    assert found(report) == {
        "unusable_entry": 3,
        "duplicate_id": 2,
        "unknown_category": 1,
        "path_outside": 1,
        "image_absent": 1,
        "image_unreadable": 1,
        "image_size": 1,
        "image_twice": 1,
        "box_outside": 1,
        "box_empty": 1,
        "box_twice": 1,
        "area_absent": 1,
        "category_without_truth": 1,
        "box_outside_a_little": 1,
        "box_tiny": 1,
        "crowd_only": 1,
        "image_without_truth": 4,
        "image_unused": 1,
        "id_order": 1,
        "id_zero": 1,
        "id_absent": 4,
    }
    assert example(report, "path_outside").startswith("images[3].file_name: must stay inside the data folder")
    assert example(report, "image_size").endswith("other_size.png: is 6x5, its annotations say 5x5")
    assert example(report, "unknown_category") == "annotations[5].category_id: unknown category, got 9"
    assert [finding.severity for finding in report.findings] == sorted(
        (finding.severity for finding in report.findings), key=["error", "warning", "note"].index
    )


def test_only_a_few_examples_are_shown(tmp_path: Path) -> None:
    document = coco_document()
    document["images"] = [{"id": k, "file_name": f"{k}.png", "width": 9, "height": 9} for k in range(1, 200)]
    document["annotations"] = []
    write_coco(tmp_path, document)
    report = check("detection", tmp_path)
    absent = next(finding for finding in report.findings if finding.kind == "image_absent")
    assert (absent.count, len(absent.examples)) == (199, 5)
    assert found(report)["nothing_to_ask"] == 1


def test_a_category_of_the_task_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    write_coco(tmp_path, images=True)
    report = check("detection", tmp_path, categories=("cats", "dog"))
    assert "there is no category 'cats'; did you mean cat" in example(report, "unknown_category")
    assert report.found["selected_categories"] == 1
    nothing = check("detection", tmp_path, categories=("x",))
    assert "none of the wanted categories is there" in example(nothing, "unusable_data")


def test_a_truncated_image_needs_a_full_check(tmp_path: Path) -> None:
    write_coco(tmp_path, images=True)
    path = tmp_path / "images" / "a.png"
    path.write_bytes(path.read_bytes()[:-30])
    assert check("detection", tmp_path).count("error") == 0
    assert found(check("detection", tmp_path, full=True))["image_unreadable"] == 1


def test_odd_classes_are_told(tmp_path: Path) -> None:
    rows = [("a.png", "desert rose"), ("b.png", "desert rosee"), ("c.png", "tulip"), ("d.png", "tulip")]
    lines = "".join(f"{name},{label}\n" for name, label in rows)
    (tmp_path / "index.csv").write_text(f"image,label\n{lines}e.png,lily\n", encoding="utf-8")
    for name, _ in rows:
        write_image(tmp_path / name)
    labels = ("desert rose", "desert rosee", "tulip", "daisy")
    report = check("classification", tmp_path, labels=labels)
    assert report.found == {"images": 4, "classes": 4, "classes_with_images": 3}
    assert found(report) == {
        "unknown_category": 1,
        "class_without_images": 1,
        "class_with_one_image": 2,
        "name_alike": 1,
    }
    assert example(report, "class_without_images") == "daisy"


def test_class_names_that_are_one_name_are_told(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("image,label\na.png,red rose\nb.png,Red_Rose\n", encoding="utf-8")
    report = check("classification", tmp_path)
    assert "the class names don't work" in example(report, "unusable_data")


def test_odd_boxes_of_descriptions_are_told(tmp_path: Path) -> None:
    import numpy as np

    rows = [
        {"image": "a.png", "text": "all of it", "box": [0, 0, 8, 6]},
        {"image": "b.png", "text": "a hair", "box": [0, 0, 1, 6], "mask": encode_rle(np.ones((6, 8), dtype=bool))},
        {"image": "b.png", "text": "again", "box": [0, 0, 1, 6], "size": [8, 6]},
    ]
    write_lines(tmp_path / "grounding.jsonl", rows)
    for name in ("a.png", "b.png"):
        write_image(tmp_path / name)
    report = check("grounding", tmp_path)
    assert report.found == {"images": 2, "boxes": 2, "masks": 1, "ignore_regions": 0, "sentences": 0}
    assert found(report) == {"duplicate_id": 1, "box_tiny": 1, "box_whole_image": 1}


def test_data_that_cannot_be_read_are_one_error(tmp_path: Path) -> None:
    report = check("coco", tmp_path)
    assert found(report) == {"unusable_data": 1}
    assert report.found == {}
    assert report.data is None


def test_the_command_prints_counts_and_examples_and_exits_with_2_for_errors(tmp_path: Path) -> None:
    write_coco(tmp_path, images=True)
    arguments = ["check", "detection", "--data", str(tmp_path)]
    done = runner.invoke(app, arguments)
    assert done.exit_code == 0
    assert "found: 2 images" in done.stdout
    assert "warning: selected categories without ground truth (1)" in done.stdout
    (tmp_path / "images" / "b.png").unlink()
    done = runner.invoke(app, arguments)
    assert done.exit_code == 2
    assert "error: images that are named but not there (1)" in done.stdout
    assert str(tmp_path / "images" / "b.png") in done.stdout
    assert runner.invoke(app, [*arguments, "--missing", "skip"]).exit_code == 0
    done = runner.invoke(app, [*arguments, "--json"])
    assert done.exit_code == 2
    assert CheckReport.model_validate_json(done.stdout).found["images"] == 2


def test_the_command_refuses_options_that_a_task_does_not_have(tmp_path: Path) -> None:
    for arguments, expected in (
        (["coco", "--labels", "a,b"], "--labels: only classification tasks have labels"),
        (["pets37", "--categories", "cat"], "--categories: only detection tasks have categories"),
        (["coco", "--missing", "maybe"], "--missing: must be one of error, skip, got 'maybe'"),
        (["coco", "--categories", "cat,,dog"], "--categories: a name is empty or occurs twice"),
        (["coco", "--categories", "no/such.txt"], "--categories: no such file"),
        (["cocoo"], "did you mean coco"),
    ):
        done = runner.invoke(app, ["check", *arguments])
        assert done.exit_code == 2
        assert expected in done.stderr


def test_real_coco_has_no_errors_and_is_no_whole_split() -> None:
    report = check("coco-fewshot8", real_data("coco_tiny"))
    assert report.count("error") == 0
    assert report.found["images"] == 80
    assert report.found["selected_categories"] == 8
    assert example(report, "other_count") == "80 images, and val2017 has 5,000"


def test_every_task_is_listed_with_its_prompt_and_can_be_described() -> None:
    done = runner.invoke(app, ["tasks"], env={"COLUMNS": "100"})
    assert done.exit_code == 0
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    described = json.loads(runner.invoke(app, ["tasks", "--json"]).stdout)
    assert [entry["task"] for entry in described] == list(TASKS)
    for entry in described:
        assert entry["task"] in done.stdout
        assert entry["prompt_name"] in names()
        one = runner.invoke(app, ["tasks", entry["task"], "--json"])
        assert json.loads(one.stdout) == entry
        assert runner.invoke(app, ["tasks", entry["task"]]).exit_code == 0
    by_name = {entry["task"]: entry for entry in described}
    assert by_name["reasonseg"]["splits"] == ["val", "test", "train"]
    assert len(by_name["coco-base65"]["categories"]) == 65
    assert "2308.00692" in by_name["reasonseg"]["citation"]
    assert runner.invoke(app, ["tasks", "cocoo"]).exit_code == 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_finding_reads_as_a_count_of_things(kind: str) -> None:
    severity, text = KINDS[kind]
    assert severity in ("error", "warning", "note")
    assert text[0].islower() or text.startswith("APs")
