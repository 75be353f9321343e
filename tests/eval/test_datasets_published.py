"""The fine-grained data sets as they are published: Pets, Aircraft, Cars."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from eval_helpers import real_data, write_image
from scipy.io import savemat
from test_datasets_classification import load, rows

from vrft_eval.datasets import LoadOptions
from vrft_eval.datasets.cars import year_first
from vrft_eval.errors import InputError
from vrft_eval.tasks import TASKS, load_task

# Oxford-IIIT Pets

PETS_TEST = "#comment\nAbyssinian_201 1 1 1\namerican_bulldog_203 2 2 1\n"


def test_pets_are_named_as_their_images_in_lower_case(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "test.txt").write_text(PETS_TEST, encoding="utf-8")
    found = load("pets37", tmp_path)
    assert rows(found) == [
        ("images/Abyssinian_201.jpg", "abyssinian"),
        ("images/american_bulldog_203.jpg", "american_bulldog"),
    ]
    assert found.images[0].path == tmp_path / "images" / "Abyssinian_201.jpg"
    assert rows(load("pets37", tmp_path, labels=("cat", "dog")))[1] == ("images/american_bulldog_203.jpg", "dog")
    named = load("pets37", None, annotations=tmp_path / "annotations" / "test.txt")
    assert named.images[0].path == tmp_path / "images" / "Abyssinian_201.jpg"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Abyssinian_9 1 1", "test.txt:4: must be: image name"),
        ("Abyssinian_9 x 1 1", "must be: image name"),
        ("9 1 1 1", "must be: image name"),
        ("Bengal_9 1 1 1", "class 1 is 'abyssinian' above"),
        ("Abyssinian_201 1 1 1", "image named twice"),
        ("../Abyssinian_201 1 1 1", "class 1 is 'abyssinian' above"),
    ],
)
def test_a_bad_line_of_pets_is_refused(tmp_path: Path, line: str, expected: str) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "test.txt").write_text(PETS_TEST + line + "\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        load("pets37", tmp_path)
    assert expected in str(error.value)


# FGVC-Aircraft


def write_aircraft(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "variants.txt").write_text("707-320\nBAE 146-200\n", encoding="utf-8")
    (folder / "images_variant_test.txt").write_text("1514522 707-320\n0747566 BAE 146-200\n", encoding="utf-8")


@pytest.mark.parametrize("home", [".", "data", "fgvc-aircraft-2013b/data"])
def test_aircraft_variants_may_hold_spaces(tmp_path: Path, home: str) -> None:
    write_aircraft(tmp_path / home)
    found = load("fgvc-aircraft", tmp_path)
    assert rows(found) == [("images/1514522.jpg", "707-320"), ("images/0747566.jpg", "BAE 146-200")]
    assert found.images[0].path == tmp_path / home / "images" / "1514522.jpg"
    named = load("fgvc-aircraft", None, annotations=tmp_path / home / "images_variant_test.txt")
    assert named.images == found.images
    elsewhere = tmp_path / "elsewhere"
    write_image(elsewhere / "images" / "1514522.jpg")
    moved = load("fgvc-aircraft", elsewhere, annotations=tmp_path / home / "images_variant_test.txt")
    assert moved.images[0].path == elsewhere / "images" / "1514522.jpg"


def test_an_unknown_variant_is_refused(tmp_path: Path) -> None:
    write_aircraft(tmp_path)
    (tmp_path / "images_variant_test.txt").write_text("1514522 707-32\n", encoding="utf-8")
    with pytest.raises(
        InputError, match=r"images_variant_test\.txt:1: label: there is no such class; did you mean 707-320"
    ):
        load("fgvc-aircraft", tmp_path)


def test_a_split_that_a_layout_does_not_have_is_refused(tmp_path: Path) -> None:
    write_aircraft(tmp_path)
    with pytest.raises(InputError, match=r"holds none of .*images_variant_train"):
        load("fgvc-aircraft", tmp_path, split="train")
    with pytest.raises(InputError, match="no such split; fgvc-aircraft has test, train, val, trainval"):
        load_task(TASKS["fgvc-aircraft"], LoadOptions(tmp_path, split="tset"))


# Stanford Cars


def write_cars(folder: Path, *, labels: bool = True) -> None:
    (folder / "devkit").mkdir(parents=True)
    names = np.empty((1, 2), dtype=object)
    names[0] = ["AM General Hummer SUV 2000", "Acura RL Sedan 2012"]
    savemat(folder / "devkit" / "cars_meta.mat", {"class_names": names})
    fields = [("bbox_x1", object), *([("class", object)] if labels else []), ("fname", object)]
    records = np.empty((1, 2), dtype=fields)
    for position, (number, name) in enumerate([(2, "00001.jpg"), (1, "00002.jpg")]):
        records[0, position] = (30, number, name) if labels else (30, name)
    savemat(folder / "cars_test_annos_withlabels.mat", {"annotations": records})


def test_cars_get_their_year_first(tmp_path: Path) -> None:
    write_cars(tmp_path)
    found = load("cars196", tmp_path)
    assert rows(found) == [
        ("cars_test/00001.jpg", "2012 Acura RL Sedan"),
        ("cars_test/00002.jpg", "2000 AM General Hummer SUV"),
    ]
    assert found.images[0].path == tmp_path / "cars_test" / "00001.jpg"


def test_cars_without_labels_are_refused(tmp_path: Path) -> None:
    write_cars(tmp_path, labels=False)
    with pytest.raises(InputError, match=r"only cars_test_annos_withlabels\.mat has them"):
        load("cars196", tmp_path)


def test_coop_cars_hold_the_folder_in_their_paths(tmp_path: Path) -> None:
    document = {"train": [], "val": [], "test": [["cars_test/00001.jpg", 0, "2012 Acura RL Sedan"]]}
    (tmp_path / "split_zhou_StanfordCars.json").write_text(json.dumps(document), encoding="utf-8")
    (image,) = load("cars196", tmp_path).images
    assert (image.name, image.path) == ("cars_test/00001.jpg", tmp_path / "cars_test" / "00001.jpg")


def test_the_years_of_the_real_names_are_where_visual_rft_has_them() -> None:
    names = real_data("labels/stanford_cars.txt").read_text(encoding="utf-8").splitlines()
    assert len(names) == 196
    for name in names:
        year, _, rest = name.partition(" ")
        assert year_first(f"{rest} {year}") == name
