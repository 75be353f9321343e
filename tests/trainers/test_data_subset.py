"""Which questions are drawn: by seed, nested, listed by id, and taken again exactly; what is known to be absent."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from data_helpers import made, real_data, refused, write_coco, write_image

from trainers.data import read_subset

NAMES = ("cat", "dog", "bus")


def world(folder: Path, images: int = 12, *, shuffled: bool = False) -> Path:
    """Images of which each has one or two of three categories, a third of them rare."""
    rng = random.Random(3)
    document: dict[str, Any] = {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 50, "height": 40} for k in range(1, images + 1)],
        "categories": [{"id": k, "name": name} for k, name in enumerate(NAMES, start=1)],
        "annotations": [],
    }
    for k in range(1, images + 1):
        for category in {1 + k % 2, *([3] if k in (2, 5) else [])}:
            box = [rng.randint(0, 9), rng.randint(0, 9), rng.randint(5, 40), rng.randint(5, 30)]
            entry = {"id": len(document["annotations"]) + 1, "image_id": k, "category_id": category, "bbox": box}
            document["annotations"].append(entry | {"area": 25, "iscrowd": 0})
    if shuffled:
        for entries in document.values():
            rng.shuffle(entries)
    write_coco(folder, document, images=True)
    return folder


def ids(rows: list[dict[str, Any]], category: str | None = None) -> list[str]:
    return [row["id"] for row in rows if category in (None, row["category"])]


def test_shots_are_nested_and_depend_on_the_seed_alone(tmp_path: Path, capsys: Any) -> None:
    data = world(tmp_path / "data")
    drawn = {k: made(tmp_path / f"{k}", "detection", "--data", data, "--shots", k) for k in (1, 2, 4)}
    for name in NAMES:
        four = ids(drawn[4], name)
        assert len(four) == (2 if name == "bus" else 4)
        assert ids(drawn[1], name) == four[:1]
        assert ids(drawn[2], name) == four[:2]
    assert "1 of 3 categories have fewer than 4 images: bus 2." in capsys.readouterr().out
    turned = world(tmp_path / "turned", shuffled=True)
    again = made(tmp_path / "again", "detection", "--data", turned, "--shots", 2)
    assert {name: ids(again, name) for name in NAMES} == {name: ids(drawn[2], name) for name in NAMES}
    others = [made(tmp_path / f"s{k}", "detection", "--data", data, "--shots", 2, "--seed", k) for k in range(1, 5)]
    assert len({tuple(sorted(ids(rows))) for rows in [drawn[2], *others]}) > 3
    # Other categories don't change which images of a category are taken.
    alone = made(tmp_path / "alone", "detection", "--data", data, "--shots", 2, "--categories", "dog")
    assert ids(alone) == ids(drawn[2], "dog")


def test_a_count_is_spread_as_evenly_as_there_are_images(tmp_path: Path, capsys: Any) -> None:
    data = world(tmp_path / "data")
    rows = made(tmp_path / "out", "detection", "--data", data, "--count", 9)
    assert sorted(len(ids(rows, name)) for name in NAMES) == [2, 3, 4]
    assert len(ids(rows, "bus")) == 2
    rows = made(tmp_path / "all", "detection", "--data", data, "--count", 99)
    assert len(rows) == 14
    assert "There are only 14 of the 99 questions wanted." in capsys.readouterr().out
    assert len(set(ids(rows))) == 14


def test_a_subset_is_made_again_exactly(tmp_path: Path) -> None:
    data = world(tmp_path / "data")
    command = ("detection", "--data", data, "--shots", 2, "--negatives", 0.4, "--seed", 7)
    first = made(tmp_path / "first", *command)
    second = made(tmp_path / "second", "detection", "--data", data, "--subset", tmp_path / "first" / "subset.json")
    assert ids(first) == ids(second)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == ["data-00000-of-00001.arrow", "dataset_info.json", "state.json", "subset.json"]
    for name in files:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
    # From a copy whose file is in another order, and in another space.
    turned = world(tmp_path / "turned", shuffled=True)
    third = made(
        tmp_path / "third",
        *("detection", "--data", turned, "--subset", tmp_path / "first" / "subset.json", "--space", "pixels"),
    )
    assert ids(third) == ids(first)
    generated = made(tmp_path / "shapes", "shapes-detection", "--count", 20, "--negatives", 0.3, "--seed", 2)
    again = made(tmp_path / "shapes2", "shapes-detection", "--subset", tmp_path / "shapes" / "subset.json")
    assert [{**row, "image": row["image"].tobytes()} for row in generated] == [
        {**row, "image": row["image"].tobytes()} for row in again
    ]


def test_a_subset_of_other_data_is_refused(tmp_path: Path, capsys: Any) -> None:
    data = world(tmp_path / "data")
    made(tmp_path / "first", "detection", "--data", data, "--shots", 2)
    file = tmp_path / "first" / "subset.json"
    command = ("detection", "--data", data, "--subset", file)
    assert "says already what is drawn" in refused(capsys, tmp_path / "out", *command, "--seed", 3)
    assert "says already what is drawn" in refused(capsys, tmp_path / "out", *command, "--categories", "cat")
    assert "is of another task than coco" in refused(capsys, tmp_path / "out", "coco", *command[1:])
    write_image(data / "images" / "1.png", (50, 40))
    annotations = json.loads((data / "annotations.json").read_text(encoding="utf-8"))
    for entry in annotations["annotations"]:
        entry["bbox"][2] += 1
    (data / "annotations.json").write_text(json.dumps(annotations), encoding="utf-8")
    said = refused(capsys, tmp_path / "out", *command)
    assert "subset.json: fingerprint: the truths of these questions are other ones" in said
    smaller = world(tmp_path / "smaller", 3)
    said = refused(capsys, tmp_path / "out", "detection", "--data", smaller, "--subset", file)
    assert "ids are not in these data; the first: unknown image" in said


def test_other_image_files_are_told(tmp_path: Path, capsys: Any) -> None:
    data = world(tmp_path / "data")
    made(tmp_path / "first", "detection", "--data", data)
    from PIL import Image

    Image.new("RGB", (50, 40), "red").save(data / "images" / "1.png")
    made(tmp_path / "second", "detection", "--data", data, "--subset", tmp_path / "first" / "subset.json")
    assert "The image files are not those that the questions were drawn from" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"seed": "x"}, "seed: Input should be a valid integer"),
        ({"more": 1}, "more: Extra inputs are not permitted"),
        ({"ids": {"cat": ["2:1", "2:1"]}}, "ids: id used twice, got '2:1'"),
        ({"ids": {}}, "ids: names no questions"),
        ({"negatives": 1.5}, "negatives: Input should be less than 1"),
    ],
)
def test_a_bad_subset_file_is_refused(change: Any, expected: str, tmp_path: Path, capsys: Any) -> None:
    data = world(tmp_path / "data")
    made(tmp_path / "first", "detection", "--data", data)
    file = tmp_path / "changed.json"
    document = json.loads((tmp_path / "first" / "subset.json").read_text(encoding="utf-8")) | change
    file.write_text(json.dumps(document), encoding="utf-8")
    said = refused(capsys, tmp_path / "out", "detection", "--data", data, "--subset", file)
    assert expected in said.replace(str(file) + ": ", "")


def test_negatives_ask_about_categories_that_are_not_in_the_image(tmp_path: Path, capsys: Any) -> None:
    data = world(tmp_path / "data")
    document = json.loads((data / "annotations.json").read_text(encoding="utf-8"))
    crowd = {"id": 99, "image_id": 4, "category_id": 3, "bbox": [0, 0, 9, 9], "area": 81, "iscrowd": 1}
    document["annotations"].append(crowd)
    (data / "annotations.json").write_text(json.dumps(document), encoding="utf-8")
    there = {f"{entry['image_id']}:{entry['category_id']}" for entry in document["annotations"]}
    rows = made(tmp_path / "out", "detection", "--data", data, "--shots", 3, "--negatives", 0.5)
    absent = [row for row in rows if row["boxes"] == []]
    assert len(rows) == 16
    assert len(absent) == 8
    assert not set(ids(absent)) & there
    assert {row["solution"] for row in absent} == {"<answer>No Objects</answer>"}
    # No further images are needed: few-shot stays few.
    assert {row["id"].split(":")[0] for row in absent} <= {row["id"].split(":")[0] for row in rows if row["boxes"]}
    only = made(tmp_path / "only", "detection", "--data", data, "--negatives", 0.5, "--categories", "bus,cat")
    assert {row["category"] for row in only} == {"bus", "cat"}
    made(tmp_path / "many", "detection", "--data", data, "--negatives", 0.9)
    assert "questions wanted about absent categories." in capsys.readouterr().out


def test_lvis_asks_only_about_what_is_verified_to_be_absent(tmp_path: Path, capsys: Any) -> None:
    file = real_data("lvis/lvis_val_100.json")
    document = json.loads(file.read_text(encoding="utf-8"))
    for image in document["images"]:
        image.pop("coco_url", None)
        write_image(tmp_path / "data" / "images" / image["file_name"], (image["width"], image["height"]))
    (tmp_path / "data" / "lvis.json").write_text(json.dumps(document), encoding="utf-8")
    options = ("--annotations", tmp_path / "data" / "lvis.json", "--images", tmp_path / "data" / "images")
    rows = made(tmp_path / "out", "lvis", *options, "--split", "val", "--negatives", 0.3)
    by_id = {image["id"]: image for image in document["images"]}
    absent = [row for row in rows if row["boxes"] == []]
    assert len(absent) > 50
    for row in absent:
        image, category = map(int, row["id"].split(":"))
        assert category in by_id[image]["neg_category_ids"]
    for row in rows:
        image, category = map(int, row["id"].split(":"))
        assert category not in by_id[image]["not_exhaustive_category_ids"]
    assert "since not every object is annotated" in capsys.readouterr().out
    rare = {entry["name"] for entry in document["categories"] if entry["frequency"] == "r"}
    wanted = sorted(rare & {row["category"] for row in rows if row["boxes"]})
    command = ("lvis", *options, "--split", "val", "--shots", 1, "--categories", ",".join(wanted))
    assert sorted(row["category"] for row in made(tmp_path / "rare", *command)) == wanted
    assert wanted
    said = refused(capsys, tmp_path / "none", *command[:-1], min(rare - {row["category"] for row in rows}))
    assert "there is nothing to ask: none of" in said


def test_the_file_says_how_it_was_drawn(tmp_path: Path) -> None:
    made(tmp_path / "out", "shapes-detection", "--shots", 1, "--seed", 4, "--negatives", 0.25)
    subset = read_subset(tmp_path / "out" / "subset.json")
    assert (subset.task, subset.seed, subset.shots, subset.negatives) == ("shapes-detection", 4, 1, 0.25)
    assert subset.generated is not None
    assert {len(keys) for keys in subset.ids.values()} == {1}
    assert sum(map(len, subset.absent.values())) == 4
    assert str(tmp_path) not in (tmp_path / "out" / "subset.json").read_text(encoding="utf-8")
    assert not any(str(tmp_path).encode() in path.read_bytes() for path in (tmp_path / "out").iterdir())


@pytest.mark.parametrize("lvis", [False, True])
def test_pairs_with_more_objects_than_boxes_are_left_out(lvis: bool, tmp_path: Path, capsys: Any) -> None:
    data = world(tmp_path / "data")
    document = json.loads((data / "annotations.json").read_text(encoding="utf-8"))
    first = document["annotations"][0]
    pair = f"{first['image_id']}:{first['category_id']}"
    if lvis:
        for entry in document["categories"]:
            entry["frequency"] = "r"
        by_id = {image["id"]: image for image in document["images"]}
        by_id[first["image_id"]]["not_exhaustive_category_ids"] = [first["category_id"]]
        by_id[2]["neg_category_ids"] = [2]
    else:
        document["annotations"].append(first | {"id": 99, "iscrowd": 1})
    (data / "annotations.json").write_text(json.dumps(document), encoding="utf-8")
    rows = made(tmp_path / "out", "detection", "--data", data, "--negatives", 0.4)
    assert pair not in ids(rows)
    assert len([row for row in rows if row["boxes"]]) == 13
    assert "1 pairs of image and category were left out" in capsys.readouterr().out
    if lvis:
        assert [row["id"] for row in rows if not row["boxes"]] == ["2:2"]
