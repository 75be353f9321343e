from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_helpers import coco_document, write_coco, write_lines
from PIL import Image

from vrft_eval.datasets import find_coco, load_coco, load_grounding, load_labelled
from vrft_eval.errors import InputError
from vrft_eval.rle import encode_rle


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
    with pytest.raises(InputError, match=r"holds neither annotations/instances_val2017\.json nor .* nor annotations\.json"):
        find_coco(tmp_path)
    with pytest.raises(InputError, match="--data is needed"):
        find_coco(None)
    (tmp_path / "annotations").mkdir()
    coco = tmp_path / "annotations" / "instances_val2017.json"
    coco.write_text("{}", encoding="utf-8")
    assert find_coco(tmp_path) == (coco, tmp_path / "val2017")
    assert find_coco(None, coco, tmp_path) == (coco, tmp_path)


def _image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path)


def test_class_folders_give_relative_names_in_a_stable_order(tmp_path: Path) -> None:
    for name in ("rose/b.png", "rose/a.png", "daisy/deep/c.jpg", "daisy/notes.txt", ".hidden/x.png"):
        _image(tmp_path / name) if not name.endswith("txt") else (tmp_path / name).write_text("x")
    found = load_labelled(tmp_path)
    assert [(item.name, item.label) for item in found] == [
        ("daisy/deep/c.jpg", "daisy"),
        ("rose/a.png", "rose"),
        ("rose/b.png", "rose"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("index.json", "{}", "must be a list of objects"),
        ("index.json", "[3]", "[0]: must be an object"),
        ("index.json", '[{"image": "../x.png", "label": "a"}]', "[0]image: must stay inside"),
        ("index.json", '[{"image": "x.png", "label": ""}]', "[0]label: must be a class name"),
        ("index.json", '[{"image": "x.png", "label": "a"}, {"image": "./x.png", "label": "a"}]', "image named twice"),
        ("index.json", "[]", "names no images"),
        ("index.csv", "a,b\n1,2\n", "index.csv:1: must have the columns image and label"),
        ("index.csv", "image,label\nx.png,\n", "index.csv:2: label: must be a class name"),
    ],
)
def test_a_bad_index_is_refused(tmp_path: Path, name: str, content: str, expected: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_labelled(tmp_path)
    assert expected in str(error.value)


def test_an_index_may_name_images_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("image,label\nsub/x.png,red rose\n", encoding="utf-8")
    (item,) = load_labelled(tmp_path)
    assert (item.name, item.label, item.path) == ("sub/x.png", "red rose", tmp_path / "sub/x.png")


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no images in class folders"):
        load_labelled(tmp_path)


def _line(**change: Any) -> dict[str, Any]:
    return {"image": "images/a.png", "text": "the cup", "box": [1, 2, 5, 6], "size": [10, 8], **change}


RLE = encode_rle(np.ones((8, 10), dtype=bool))
BAD_LINES = [
    (_line(image="../a.png"), "image: must stay inside"),
    (_line(text=" "), "text: must be a description"),
    (_line(box=[1, 2, 3]), "box: must be 4 finite numbers"),
    (_line(box=[5, 2, 1, 6]), "box: must be [x1, y1, x2, y2]"),
    (_line(box=[1, 2, 50, 6]), "inside the image of 10x8"),
    (_line(size=[10]), "size: must be [width, height]"),
    (_line(mask="x"), "mask: must be a COCO RLE"),
    (_line(mask={"size": [8, 10], "counts": [999]}), "mask.counts"),
    (_line(mask={"size": [8, 10], "counts": [-1]}), "mask.counts"),
    (_line(size=[12, 8], mask=RLE), "mask.size: is not of the image's size"),
    (_line(size=None), "no such image"),
]


@pytest.mark.parametrize(("line", "expected"), BAD_LINES)
def test_a_bad_grounding_line_is_refused_with_its_number(tmp_path: Path, line: Any, expected: str) -> None:
    file = write_lines(tmp_path / "grounding.jsonl", [_line(image="images/good.png"), line])
    with pytest.raises(InputError) as error:
        load_grounding(tmp_path)
    assert expected in str(error.value)
    if expected != "no such image":
        assert f"{file}:2: " in str(error.value)


def test_grounding_sizes_come_from_the_line_the_mask_or_the_image(tmp_path: Path) -> None:
    _image(tmp_path / "images" / "c.png")
    rows = [
        _line(),
        _line(image="images/b.png", size=None, mask=RLE),
        _line(image="images/c.png", size=None),
    ]
    write_lines(tmp_path / "grounding.jsonl", rows)
    assert [item.size for item in load_grounding(tmp_path)] == [(10, 8), (10, 8), (8, 8)]


def test_two_lines_of_one_stem_are_refused(tmp_path: Path) -> None:
    write_lines(tmp_path / "grounding.jsonl", [_line(), _line(image="other/a.jpg")])
    with pytest.raises(InputError, match="same file stem as line 1"):
        load_grounding(tmp_path)


def test_generated_data_reads_through_the_ordinary_loaders(shapes: Callable[[str], Path]) -> None:
    folder = shapes("shapes-detection")
    data = load_coco(*find_coco(folder))
    assert len(data.images) == 12
    assert all(image.negatives for image in data.images)
    assert len(load_labelled(shapes("shapes-classification"))) == 12
    grounded = load_grounding(shapes("shapes-grounding"))
    assert all(item.mask is not None for item in grounded)
    assert json.loads((folder / "annotations.json").read_text(encoding="utf-8"))["images"][0]["id"] == data.images[0].id
