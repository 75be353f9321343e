"""Training sets of data on disk: what a row holds, in every form, and what is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from data_helpers import (
    COLUMNS,
    FULL,
    coco_document,
    made,
    read,
    real_data,
    refused,
    scores,
    write_coco,
    write_image,
    write_lines,
)
from PIL import Image

from trainers.data.__main__ import main
from vrft_eval.datasets import LoadOptions
from vrft_eval.demo.data import write_dataset
from vrft_eval.tasks import TASKS, load_task
from vrft_eval.tasks.prompts import render

FORMS = ("datasets", "trl", "easyr1", "verl", "ms-swift", "openrlhf")
THINK = "<think>It is there.</think>"


def test_a_row_of_detection_holds_what_the_harness_asks_and_the_truth_in_whole_numbers(tmp_path: Path) -> None:
    write_coco(tmp_path / "data", images=True)
    rows = made(tmp_path / "out", "detection", "--data", tmp_path / "data")
    assert [list(row) for row in rows] == [COLUMNS] * 2
    first, second = rows
    assert first["image"].size == (first["width"], first["height"]) == (200, 100)
    assert first["problem"] == render("detection", category="cat")
    assert first["boxes"] == [[100.0, 100.0, 600.0, 600.0]]
    assert first["solution"] == "<answer>[{'Position': [100, 100, 600, 600], 'Confidence': 1.0}]</answer>"
    assert (first["id"], first["category"], first["task"], first["space"]) == ("7:1", "cat", "detection", "norm1000")
    assert first["label"] is None
    assert first["box"] is None
    assert (second["id"], second["boxes"]) == ("9:2", [[100.0, 100.0, 500.0, 500.0]])
    # The harness reads its own rows again.
    again: Any = load_task(TASKS["detection"], LoadOptions(tmp_path / "out"))
    assert [sample.boxes.tolist() for sample in again.samples("{category}", "truth")] == [
        [[20, 10, 120, 60]],
        [[5, 5, 25, 25]],
    ]


def made_as(out: Path, form: str, *arguments: Any) -> list[dict[str, Any]]:
    """The rows of a set made in a framework's form."""
    assert main([*map(str, arguments), "--format", form, "--out", str(out)]) == 0
    return read(form, out)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("task", ["detection", "classification", "grounding"])
def test_every_row_earns_full_marks_through_the_adapter_of_its_framework(task: str, form: str, tmp_path: Path) -> None:
    more = ("--negatives", "0.4") if task == "detection" else ()
    plain = made(tmp_path / "plain", f"shapes-{task}", "--count", 10, *more)
    rows = plain if form == "datasets" else made_as(tmp_path / "out", form, f"shapes-{task}", "--count", 10, *more)
    completions = [THINK + row["solution"] for row in plain]
    assert scores(form, rows, completions, task) == [FULL[task]] * 10
    assert scores(form, rows, ["I see nothing."] * 10, task) == [0.0] * 10
    if task == "detection":
        assert sum(row["boxes"] == [] for row in plain) == 4
        assert sum("No Objects" in row["solution"] for row in plain) == 4


@pytest.mark.parametrize("form", ["easyr1", "verl", "ms-swift", "openrlhf"])
def test_other_frameworks_find_one_image_and_one_place_for_it(form: str, tmp_path: Path) -> None:
    for row in made_as(tmp_path / "out", form, "shapes-grounding", "--count", 3):
        asked = row.get("messages") or row.get("prompt") or row["problem"]
        text = asked if isinstance(asked, str) else asked[0]["content"]
        assert text.startswith("<image>\nOutput the bounding box")
        assert len(text.split("<image>")) == 2
        (image,) = row["images"]
        assert image.size == (112, 112)
        if not isinstance(asked, str):
            assert [message["role"] for message in asked] == ["user"]
    if form == "verl":
        assert row["data_source"] == "shapes-grounding"
        assert row["reward_model"]["style"] == "rule"
        assert row["extra_info"]["index"] == 2


def test_a_question_that_holds_a_placeholder_is_refused_where_it_would_be_replaced(tmp_path: Path, capsys: Any) -> None:
    write_image(tmp_path / "data" / "a.png", (50, 40))
    line = {"image": "a.png", "text": "the <video> player", "box": [1, 2, 30, 40]}
    write_lines(tmp_path / "data" / "grounding.jsonl", [line])
    for form in ("easyr1", "verl", "ms-swift", "openrlhf"):
        said = refused(capsys, tmp_path / "out", "grounding", "--data", tmp_path / "data", "--format", form)
        assert "row 'a': the question holds <video>, which this framework would take for another input" in said
    (row,) = made(tmp_path / "out", "grounding", "--data", tmp_path / "data")
    assert row["problem"] == render("grounding", question="the <video> player")


def test_generated_training_images_are_none_of_the_test_images(tmp_path: Path) -> None:
    rows = made(tmp_path / "out", "shapes-classification", "--count", 30)
    write_dataset("shapes-classification", tmp_path / "test", 200)
    seen = {Image.open(path).tobytes() for path in (tmp_path / "test").rglob("*.png")}
    assert len(seen) > 190
    assert not seen & {row["image"].tobytes() for row in rows}
    other = made(tmp_path / "other", "shapes-classification", "--count", 30, "--seed", 1)
    assert not {row["image"].tobytes() for row in other} & {row["image"].tobytes() for row in rows}


def test_boxes_in_pixels_and_boxes_too_thin_for_whole_numbers(tmp_path: Path, capsys: Any) -> None:
    document = coco_document()
    document["images"][0] |= {"width": 2000, "height": 1000}
    document["annotations"] = [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [100.2, 10, 0.5, 50], "area": 25}]
    write_coco(tmp_path / "data", document, images=True)
    (row,) = made(tmp_path / "out", "detection", "--data", tmp_path / "data")
    assert row["boxes"] == [[50.0, 10.0, 51.0, 60.0]]
    assert "1 boxes thinner than a whole number were widened" in capsys.readouterr().out
    (row,) = made(tmp_path / "pixels", "detection", "--data", tmp_path / "data", "--space", "pixels")
    assert (row["boxes"], row["space"]) == ([[100.0, 10.0, 101.0, 60.0]], "pixels")
    assert "[100, 10, 101, 60]" in row["solution"]
    said = refused(capsys, tmp_path / "x", "detection", "--data", tmp_path / "data", "--space", "norm1")
    assert "--space: must be norm1000 or pixels, got 'norm1'" in said


def test_a_rotation_in_exif_is_dropped_so_that_boxes_stay_where_they_are(tmp_path: Path, capsys: Any) -> None:
    document = coco_document()
    document["images"][0]["file_name"] = "a.jpg"
    write_coco(tmp_path / "data", document, images=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGB", (200, 100), "teal")
    picture.paste("red", (0, 0, 100, 50))
    picture.save(tmp_path / "data" / "images" / "a.jpg", exif=exif)
    rows = made(tmp_path / "out", "detection", "--data", tmp_path / "data")
    assert rows[0]["image"].size == (200, 100)
    assert rows[0]["image"].getpixel((20, 20))[0] > 200
    assert "1 images with a rotation in their EXIF" in capsys.readouterr().out


def test_published_layouts_give_their_training_split_and_their_classes(tmp_path: Path) -> None:
    names = {0: "pink primrose", 1: "tiger lily"}
    split = {
        "train": [[f"image_{k:05d}.jpg", k % 2, names[k % 2]] for k in range(6)],
        "val": [],
        "test": [["image_00099.jpg", 0, names[0]]],
    }
    for k in range(6):
        write_image(tmp_path / "flowers" / "jpg" / f"image_{k:05d}.jpg")
    (tmp_path / "flowers" / "split_zhou_OxfordFlowers.json").write_text(json.dumps(split), encoding="utf-8")
    rows = made(tmp_path / "out", "flowers102", "--data", tmp_path / "flowers", "--shots", 2)
    assert sorted(row["label"] for row in rows) == [names[0]] * 2 + [names[1]] * 2
    assert {row["problem"] for row in rows} == {render("classification-flowers")}
    assert rows[0]["solution"] == f"<answer>{rows[0]['label']}</answer>"
    assert rows[0]["boxes"] is None
    assert (tmp_path / "out" / "labels.txt").read_text(encoding="utf-8") == "pink primrose\ntiger lily\n"
    assert json.loads((tmp_path / "out" / "subset.json").read_text(encoding="utf-8"))["split"] == "train"


def test_aircraft_pets_and_cars_are_read_by_their_own_files(tmp_path: Path) -> None:
    home = tmp_path / "aircraft" / "data"
    write_image(home / "images" / "1.jpg")
    (home / "variants.txt").write_text("707-320\nBAE 146-200\n", encoding="utf-8")
    (home / "images_variant_train.txt").write_text("1 BAE 146-200\n", encoding="utf-8")
    (row,) = made(tmp_path / "a", "fgvc-aircraft", "--data", tmp_path / "aircraft")
    assert row["label"] == "BAE 146-200"
    assert row["problem"] == render("classification-aircraft")
    pets = tmp_path / "pets"
    write_image(pets / "images" / "Abyssinian_1.jpg")
    (pets / "annotations").mkdir()
    (pets / "annotations" / "trainval.txt").write_text("Abyssinian_1 1 1 1\n", encoding="utf-8")
    (row,) = made(tmp_path / "p", "pets37", "--data", pets, "--split", "trainval")
    assert (row["label"], row["id"]) == ("abyssinian", "images/Abyssinian_1.jpg")
    cars = tmp_path / "cars"
    write_image(cars / "cars_train" / "1.jpg")
    split = {"train": [["cars_train/1.jpg", 0, "2012 Acura RL Sedan"]], "val": [], "test": []}
    (cars / "split_zhou_StanfordCars.json").write_text(json.dumps(split), encoding="utf-8")
    (row,) = made(tmp_path / "c", "cars196", "--data", cars)
    assert row["label"] == "2012 Acura RL Sedan"


def test_reasonseg_trains_on_the_box_of_the_target_and_leaves_out_what_has_none(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "data" / "ReasonSeg" / "train"
    flag = {"label": "flag", "points": [[0, 0], [40, 0], [40, 30]]}
    target = {"label": "target", "points": [[10, 10], [30, 10], [30, 20], [10, 20]]}
    for name, shapes in {"a": [flag, target], "b": [flag]}.items():
        write_image(folder / f"{name}.jpg", (40, 30))
        document = {"text": ["the thing to drink from"], "is_sentence": False, "shapes": shapes}
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    (row,) = made(tmp_path / "out", "reasonseg", "--data", tmp_path / "data")
    assert (row["id"], row["box"]) == ("a", [250.0, 333.0, 750.0, 667.0])
    assert row["solution"] == "<answer>(250,333),(750,667)</answer>"
    assert row["problem"] == render("grounding", question="the thing to drink from")
    assert "1 descriptions were left out, since there is nothing to find." in capsys.readouterr().out


def test_images_that_are_absent_broken_or_of_another_size_are_refused(tmp_path: Path, capsys: Any) -> None:
    write_coco(tmp_path / "data", images=True)
    command = ("detection", "--data", tmp_path / "data")
    (tmp_path / "data" / "images" / "b.png").unlink()
    assert "b.png: no such image" in refused(capsys, tmp_path / "out", *command)
    (row,) = made(tmp_path / "left", *command, "--missing", "skip")
    assert row["id"] == "7:1"
    assert "1 images were left out" in capsys.readouterr().out.replace("\n", " ")
    whole = io.BytesIO()
    Image.effect_noise((50, 50), 50).save(whole, "PNG")
    (tmp_path / "data" / "images" / "b.png").write_bytes(whole.getvalue()[:-400])
    assert "b.png: broken image" in refused(capsys, tmp_path / "out", *command)
    write_image(tmp_path / "data" / "images" / "b.png", (50, 51))
    assert "b.png: is 50x51, its annotations say 50x50" in refused(capsys, tmp_path / "out", *command)
    (tmp_path / "data" / "images" / "a.png").unlink()
    said = refused(capsys, tmp_path / "out", *command)
    assert "a.png: no such image (and 1 more of 2 images can't be used)" in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("cocoo",), "no task named 'cocoo'; did you mean coco"),
        (
            ("shapes-detection", "--categories", "red cirle"),
            "there is no category 'red cirle'; did you mean red circle",
        ),
        (("shapes-detection", "--format", "trll"), "form: no such form; did you mean trl?, got 'trll'"),
        (("shapes-detection", "--shots", "2", "--count", "2"), "--shots: give --shots or --count, not both"),
        (("shapes-detection", "--count", "0"), "--count: must be 1 or more, got 0"),
        (("shapes-detection", "--negatives", "1"), "--negatives: must be a share from 0 to below 1, got 1.0"),
        (("shapes-detection", "--seed", "-1"), "--seed: must not be negative"),
        (("shapes-classification", "--negatives", "0.5"), "--negatives: only detection asks about absent categories"),
        (("shapes-grounding", "--shots", "2"), "--shots: shapes-grounding has no categories; give --count"),
        (("coco", "--data", "nowhere"), "nowhere: no such data folder"),
        (("coco",), "--data is needed"),
        (("lvis", "--split", "trian"), "no such split; lvis has val, train"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: tuple[str, ...], expected: str, tmp_path: Path, capsys: Any) -> None:
    assert expected in refused(capsys, tmp_path / "out", *arguments)


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path, capsys: Any) -> None:
    write_image(tmp_path / "out" / "mine.png")
    assert "is there already" in refused(capsys, tmp_path / "out", "shapes-detection")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.png"]


def test_a_class_whose_own_answer_earns_nothing_is_refused(tmp_path: Path, capsys: Any) -> None:
    write_image(tmp_path / "data" / "a.png")
    for label in ("rose</answer>", "tulip"):
        write_image(tmp_path / "data" / f"{len(label)}.png")
    rows = [{"image": "13.png", "label": "rose</answer>x"}, {"image": "5.png", "label": "tulip"}]
    (tmp_path / "data" / "index.json").write_text(json.dumps(rows), encoding="utf-8")
    said = refused(capsys, tmp_path / "out", "classification", "--data", tmp_path / "data")
    assert "row '13.png': even the right answer earns only" in said


def test_the_real_photos_of_coco_in_every_category(tmp_path: Path, capsys: Any) -> None:
    coco = real_data("coco_tiny")
    rows = made(tmp_path / "out", "coco-base65", "--data", coco, "--split", "val2017", "--count", 100)
    counted = {name: sum(row["category"] == name for row in rows) for name in {row["category"] for row in rows}}
    assert (len(rows), len(counted)) == (100, 65)
    assert not {"cat", "train", "toaster"} & set(counted)
    assert max(counted.values()) <= 3
    completions = [THINK + row["solution"] for row in rows]
    assert scores("trl", rows, completions, "detection") == [3.0] * 100
    assert "pairs of image and category were left out, since not every object is annotated" in capsys.readouterr().out
