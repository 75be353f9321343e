"""COCO and LVIS files, good and bad, written here and real."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import coco_document, real_data, write_coco, write_image

from vrft_eval.datasets import LoadOptions, find_coco, load_coco
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings
from vrft_eval.tasks import TASKS, load_task


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        node: Any = document
        for part in parents:
            node = node[part]
        node[last] = value

    return change


BAD_COCO = [
    ("images", None, "images: must be a list"),
    ("images", [], "images: must not be empty"),
    ("categories", [], "categories: must not be empty"),
    ("images.0", 3, "images[0]: must be an object, got 3"),
    ("images.0.id", "7", "images[0].id: must be a whole number, got '7'"),
    ("images.0.id", True, "images[0].id: must be a whole number, got True"),
    ("images.1.id", 7, "images[1].id: image id used twice, got 7"),
    ("images.0.width", 0, "images[0].width: must be positive, got 0"),
    ("images.0.height", 1.5, "images[0].height: must be a whole number"),
    ("images.0.file_name", "../../etc/passwd", "images[0].file_name: must stay inside the data folder"),
    ("images.0.file_name", "/etc/passwd", "images[0].file_name: must stay inside the data folder"),
    ("images.0.neg_category_ids", [99], "images[0].neg_category_ids: unknown category, got 99"),
    ("categories.1.id", 1, "categories[1].id: category id used twice, got 1"),
    ("categories.1.name", "cat", "categories[1].name: same name as categories[0], got 'cat'"),
    ("categories.1.name", "", "categories[1].name: must be a name"),
    ("annotations.1.id", 1, "annotations[1].id: annotation id used twice, got 1"),
    ("annotations.0.image_id", 8, "annotations[0].image_id: unknown image, got 8"),
    ("annotations.0.category_id", 8, "annotations[0].category_id: unknown category, got 8"),
    ("annotations.0.bbox", [1, 2, 3], "annotations[0].bbox: must be 4 finite numbers"),
    ("annotations.0.bbox", [1, 2, 3, float("nan")], "annotations[0].bbox: must be 4 finite numbers"),
    ("annotations.0.bbox", [1, 2, 3, 10**400], "annotations[0].bbox: must be 4 finite numbers"),
    ("annotations.0.bbox", [1, 2, -3, 4], "annotations[0].bbox: width and height must not be negative"),
    ("annotations.0.area", float("inf"), "annotations[0].area: must be a number"),
    ("annotations.0.iscrowd", 2, "annotations[0].iscrowd: must be 0 or 1, got 2"),
]


@pytest.mark.parametrize(("path", "value", "expected"), BAD_COCO)
def test_a_bad_coco_file_is_refused_with_the_entry_and_the_value(
    tmp_path: Path, path: str, value: Any, expected: str
) -> None:
    document = coco_document()
    _set(path, value)(document)
    file = write_coco(tmp_path, document)
    with pytest.raises(InputError) as error:
        load_coco(file, tmp_path / "images")
    assert f"{file}: {expected}" in str(error.value)


def test_a_good_coco_file_is_read_whole(tmp_path: Path) -> None:
    data = load_coco(write_coco(tmp_path), tmp_path / "images")
    assert [image.size for image in data.images] == [(200, 100), (50, 50)]
    assert data.images[0].negatives == {3}
    assert data.annotations[0].xyxy == (20, 10, 120, 60)
    assert [a.crowd for a in data.annotations] == [False, True, False]


def test_annotation_ids_and_areas_may_be_left_out(tmp_path: Path) -> None:
    document = coco_document()
    for annotation in document["annotations"]:
        del annotation["id"], annotation["area"], annotation["iscrowd"]
    data = load_coco(write_coco(tmp_path, document), tmp_path / "images")
    assert data.annotations[0].area == 5000


def test_layouts_are_found_and_a_folder_without_one_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such data folder"):
        find_coco(tmp_path / "no")
    with pytest.raises(
        InputError, match=r"holds neither annotations/instances_val2017\.json nor .* nor annotations\.json"
    ):
        find_coco(tmp_path)
    with pytest.raises(InputError, match="--data is needed"):
        find_coco(None)
    (tmp_path / "annotations").mkdir()
    coco = tmp_path / "annotations" / "instances_val2017.json"
    coco.write_text("{}", encoding="utf-8")
    assert find_coco(tmp_path) == (coco, tmp_path / "val2017")
    assert find_coco(None, coco, tmp_path) == (coco, tmp_path)


@pytest.mark.parametrize(
    ("file", "images"),
    [
        ("annotations/instances_val2017.json", "val2017"),
        ("annotations.json", "images"),
        ("test/_annotations.coco.json", "test"),
        ("valid/_annotations.coco.json", "valid"),
        ("_annotations.coco.json", "."),
    ],
)
def test_every_layout_is_found_by_folder_and_by_file(tmp_path: Path, file: str, images: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("{}", encoding="utf-8")
    assert find_coco(tmp_path) == (tmp_path / file, tmp_path / images)
    assert find_coco(None, tmp_path / file) == (tmp_path / file, tmp_path / images)


def test_a_split_chooses_the_file(tmp_path: Path) -> None:
    for name in ("val2017", "train2017"):
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / "annotations" / f"instances_{name}.json").write_text("{}", encoding="utf-8")
    assert find_coco(tmp_path, split="train2017")[1] == tmp_path / "train2017"
    with pytest.raises(InputError, match="holds neither annotations/instances_test2017"):
        find_coco(tmp_path, split="test2017")
    with pytest.raises(InputError, match=r"no such split; coco has val2017, train2017, got '\.\./x'"):
        load_task(TASKS["coco"], LoadOptions(tmp_path, split="../x"))


def lvis_document(*, early: bool) -> dict[str, Any]:
    """Two images of two splits; v1 has no `file_name`, the early release has one of COCO 2014."""
    images = [
        {"id": 30, "width": 64, "height": 48, "coco_url": "http://images.cocodataset.org/train2017/000000000030.jpg"},
        {"id": 42, "width": 64, "height": 48, "coco_url": "http://images.cocodataset.org/val2017/000000000042.jpg"},
    ]
    for image in images:
        image |= {"neg_category_ids": [2], "not_exhaustive_category_ids": [1]}
        if early:
            image["file_name"] = f"COCO_val2014_{image['id']:012d}.jpg"
    categories = [
        {"id": 1, "name": "futon", "synonyms": ["futon"], "frequency": "r", "synset": "futon.n.01", "def": "a bed"},
        {"id": 2, "name": "sofa", "synonyms": ["sofa", "couch"], "frequency": "f", "synset": "sofa.n.01", "def": ""},
    ]
    polygon = [[1, 1, 9, 1, 9, 9]]
    annotations = [
        {"id": 1, "image_id": 30, "category_id": 1, "bbox": [1, 1, 8, 8], "area": 32, "segmentation": polygon},
        {"id": 2, "image_id": 42, "category_id": 2, "bbox": [2, 2, 8, 8], "area": 32, "segmentation": polygon},
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


@pytest.mark.parametrize("file", ["lvis_v1_val.json", "annotations/lvis_v1_val.json", "lvis_v0.5_val.json"])
def test_lvis_images_lie_where_their_address_says(tmp_path: Path, file: str) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / file).write_text(json.dumps(lvis_document(early="0.5" in file)), encoding="utf-8")
    (tmp_path / "train2017").mkdir()
    data = load_task(TASKS["lvis"], LoadOptions(tmp_path)).coco  # type: ignore[attr-defined]
    assert [image.path for image in data.images] == [
        tmp_path / "train2017" / "000000000030.jpg",
        tmp_path / "val2017" / "000000000042.jpg",
    ]
    assert data.rule == "lvis"
    assert data.frequencies == {1: "r", 2: "f"}
    assert data.images[0].negatives == {2}
    assert data.images[0].not_exhaustive == {1}
    assert not data.annotations[0].crowd


def test_lvis_images_may_lie_in_one_folder(tmp_path: Path) -> None:
    file = tmp_path / "lvis_v1_val.json"
    file.write_text(json.dumps(lvis_document(early=False)), encoding="utf-8")
    write_image(tmp_path / "all" / "000000000042.jpg", (64, 48))
    data = load_coco(file, tmp_path / "all")
    assert [image.path.name for image in data.images] == ["000000000030.jpg", "000000000042.jpg"]
    assert {image.path.parent for image in data.images} == {tmp_path / "all"}


def test_a_lvis_task_needs_a_lvis_file_and_categories_of_all_frequencies(tmp_path: Path) -> None:
    document = lvis_document(early=False)
    del document["categories"][0]["frequency"]
    (tmp_path / "lvis_v1_val.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match="some categories have a frequency"):
        load_task(TASKS["lvis"], LoadOptions(tmp_path))
    del document["categories"][1]["frequency"]
    (tmp_path / "lvis_v1_val.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match="is no file of LVIS"):
        load_task(TASKS["lvis"], LoadOptions(tmp_path))


def test_a_category_is_found_however_it_is_written_and_a_synonym_is_named(tmp_path: Path) -> None:
    (tmp_path / "lvis_v1_val.json").write_text(json.dumps(lvis_document(early=False)), encoding="utf-8")
    data: Any = load_task(TASKS["lvis"], LoadOptions(tmp_path, categories=("Futon ",)))
    assert data.selected == {1}
    with pytest.raises(InputError, match="there is no category 'couch'; it is a synonym of sofa"):
        load_task(TASKS["lvis"], LoadOptions(tmp_path, categories=("couch",)))
    with pytest.raises(InputError, match="there is no category 'futons'; did you mean futon"):
        load_task(TASKS["lvis"], LoadOptions(tmp_path, categories=("futons",)))


def test_real_lvis_is_read_whole() -> None:
    file = real_data("lvis/lvis_val_100.json")
    whole = json.loads(file.read_text(encoding="utf-8"))
    data = load_coco(file, Path("nowhere"))
    assert data.rule == "lvis"
    assert (len(data.images), len(data.annotations), len(data.categories)) == (100, 977, 1230)
    for image, entry in zip(data.images, whole["images"], strict=True):
        # The early release names the file of COCO 2014; the address has the folder and name of 2017.
        assert image.path == Path("nowhere") / "val2017" / f"{entry['id']:012d}.jpg"
        assert image.negatives == set(entry["neg_category_ids"])
    assert {key: data.frequencies[key] for key in data.categories} == {
        entry["id"]: entry["frequency"] for entry in whole["categories"]
    }
    names = set(data.categories.values())
    assert set(TASKS["lvis-rare6"].categories or ()) | set(TASKS["lvis-rare13"].categories or ()) <= names


def test_real_coco_is_read_whole_with_the_categories_of_every_task() -> None:
    folder = real_data("coco_tiny")
    whole = json.loads((folder / "annotations" / "instances_val2017.json").read_text(encoding="utf-8"))
    findings = Findings()
    data: Any = load_task(TASKS["coco"], LoadOptions(folder, missing="error"), findings)
    assert [image.path.name for image in data.coco.images] == [entry["file_name"] for entry in whole["images"]]
    assert [list(a.bbox) for a in data.coco.annotations] == [entry["bbox"] for entry in whole["annotations"]]
    data.check_images()
    names = {entry["name"] for entry in whole["categories"]}
    base, novel = set(TASKS["coco-base65"].categories or ()), set(TASKS["coco-novel15"].categories or ())
    assert (len(base), len(novel)) == (65, 15)
    assert base | novel == names
    assert set(TASKS["coco-fewshot8"].categories or ()) < names


def test_a_large_file_is_read_without_its_polygons(tmp_path: Path) -> None:
    document = coco_document()
    document["annotations"][0]["segmentation"] = [[1, 2, 3, 4, 5, 6]] * 10
    plain = load_coco(write_coco(tmp_path), tmp_path / "images")
    assert load_coco(write_coco(tmp_path, document), tmp_path / "images") == plain


def test_generated_data_reads_through_the_ordinary_loaders(shapes: Callable[[str], Path]) -> None:
    folder = shapes("shapes-detection")
    data = load_coco(*find_coco(folder))
    assert len(data.images) == 12
    assert all(image.negatives for image in data.images)
    for name in ("shapes-classification", "shapes-grounding"):
        loaded = load_task(TASKS[name], LoadOptions(shapes(name), missing="error"))
        assert len(loaded.images()) == 12
        loaded.check_images()
