"""Grounding lines and ReasonSeg; polygons are drawn as OpenCV draws them for LISA."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_helpers import write_image, write_lines
from numpy.typing import NDArray

from vrft_eval.datasets import Grounded, LoadOptions, load_grounding
from vrft_eval.datasets.raster import draw_polygon
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings
from vrft_eval.rle import decode_rle, encode_rle
from vrft_eval.tasks import TASKS, load_task

Points = Sequence[tuple[float, float]]


def load(layout: str, data: Path, findings: Findings | None = None, **options: Any) -> Grounded:
    return load_grounding(layout, LoadOptions(data, **options), findings or Findings(), lambda text: None)


# Lines


def _line(**change: Any) -> dict[str, Any]:
    return {"image": "images/a.png", "text": "the cup", "box": [1, 2, 5, 6], "size": [10, 8], **change}


RLE = encode_rle(np.ones((8, 10), dtype=bool))
EMPTY = encode_rle(np.zeros((8, 10), dtype=bool))
BAD_LINES = [
    (_line(image="../a.png"), "image: must stay inside"),
    (_line(text=" "), "text: must be a description"),
    (_line(box=[1, 2, 3]), "box: List should have at least 4 items"),
    (_line(box=[1, 2, 3, float("nan")]), "box.3: Input should be a finite number"),
    (_line(box=[1, 2, 3, True]), "box.3: Input should be a valid number"),
    (_line(box=[5, 2, 1, 6]), "box: must be [x1, y1, x2, y2]"),
    (_line(box=[1, 2, 50, 6]), "inside the image of 10x8"),
    (_line(box=None), "box: may be null beside an empty mask only"),
    (_line(box=None, mask=RLE), "box: may be null beside an empty mask only"),
    (_line(size=[10]), "size: List should have at least 2 items"),
    (_line(mask="x"), "mask: Input should be a valid dictionary"),
    (_line(mask={"size": [8, 10], "counts": [999]}), "mask.counts"),
    (_line(mask={"size": [8, 10], "counts": [-1]}), "mask.counts"),
    (_line(size=[12, 8], mask=RLE), "mask.size: is not of the image's size"),
    (_line(mask=RLE, ignore=RLE), "ignore: overlaps the mask"),
    ({"image": "a.png", "text": "it"}, "box: Field required"),
    (_line(size=None), "is neither here nor in the image"),
]


@pytest.mark.parametrize(("line", "expected"), BAD_LINES)
def test_a_bad_grounding_line_is_refused_with_its_number(tmp_path: Path, line: Any, expected: str) -> None:
    file = write_lines(tmp_path / "grounding.jsonl", [_line(image="images/good.png"), line])
    with pytest.raises(InputError) as error:
        load("lines", tmp_path)
    assert expected in str(error.value)
    assert f"{file}:2: " in str(error.value)


def test_grounding_sizes_come_from_the_line_the_mask_or_the_image(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "c.png", (8, 8))
    rows = [
        _line(),
        _line(image="images/b.png", size=None, mask=RLE),
        _line(image="images/c.png", size=None),
        _line(image="images/d.png", size=None, box=None, mask=EMPTY),
    ]
    write_lines(tmp_path / "grounding.jsonl", rows)
    found = load("lines", tmp_path).images
    assert [item.size for item in found] == [(10, 8), (10, 8), (8, 8), (10, 8)]
    assert found[3].box is None


def test_two_lines_of_one_stem_are_refused(tmp_path: Path) -> None:
    write_lines(tmp_path / "grounding.jsonl", [_line(), _line(image="other/a.jpg")])
    with pytest.raises(InputError, match="same file stem as line 1"):
        load("lines", tmp_path)


# Polygons


def _by_opencv(points: Points, size: tuple[int, int]) -> NDArray[np.bool_]:
    """LISA's `get_mask_from_json`: outline, then inside, of the points cut to whole numbers."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed (it comes with lvis)")
    mask = np.zeros(size[::-1], dtype=np.uint8)
    whole = np.array([points], dtype=np.int32)
    cv2.polylines(mask, whole, True, 1, 1)
    cv2.fillPoly(mask, whole, 1)
    return mask.astype(bool)


def _star(rng: np.random.Generator, size: tuple[int, int], corners: int) -> Points:
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radii = rng.uniform(0.2, 1.0, corners) * min(size) * rng.uniform(0.05, 0.5)
    centre = np.array(size) / 2
    rows = centre + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [(float(x), float(y)) for x, y in rows]


@pytest.mark.parametrize("kind", ["star", "tangle", "tiny"])
def test_polygons_are_drawn_as_lisa_draws_them_to_the_pixel(kind: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(150):
        width, height = (int(side) for side in rng.integers(*((1, 9) if kind == "tiny" else (40, 500)), 2))
        corners = int(rng.integers(1, 6) if kind == "tiny" else rng.integers(3, 50))
        points = (
            _star(rng, (width, height), corners)
            if kind == "star"
            else [(float(rng.uniform(0, width)), float(rng.uniform(0, height))) for _ in range(corners)]
        )
        drawn = draw_polygon(points, (width, height))
        assert np.array_equal(drawn, _by_opencv(points, (width, height))), (width, height, points)


def test_a_polygon_that_leaves_the_image_is_cut_off() -> None:
    points = [(-5.0, 2.0), (20.0, 2.0), (20.0, 5.0), (-5.0, 5.0)]
    drawn = draw_polygon(points, (10, 8))
    assert drawn[2:6].all()
    assert drawn.sum() == 40
    assert np.array_equal(drawn, _by_opencv(points, (10, 8)))


# ReasonSeg


def shape(label: str, x1: float, y1: float, x2: float, y2: float) -> dict[str, Any]:
    points = [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]
    return {"label": label, "labels": [label], "shape_type": "polygon", "points": points, "flags": {}}


def write_reasonseg(folder: Path, **files: Any) -> Path:
    """A split's folder: the JSON of each name, bytes or a document, and a 60x40 image beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_image(folder / f"{name}.jpg", (60, 40))
        data = content if isinstance(content, bytes) else json.dumps(content).encode("utf-8")
        (folder / f"{name}.json").write_bytes(data)
    return folder


def document(
    *shapes: dict[str, Any], text: Any = ("the thing that holds tea", "another"), **more: Any
) -> dict[str, Any]:
    return {
        "text": list(text) if isinstance(text, tuple) else text,
        "is_sentence": True,
        "shapes": list(shapes),
        **more,
    }


@pytest.mark.parametrize("home", ["val", "ReasonSeg/val", "."])
def test_reasonseg_is_found_and_its_first_text_asked(tmp_path: Path, home: str) -> None:
    write_reasonseg(
        tmp_path / home, b=document(shape("target", 10, 10, 20, 20)), a=document(shape("target", 1, 2, 3, 4))
    )
    found = load("reasonseg", tmp_path).images
    assert [(item.name, item.text, item.sentence, item.size) for item in found] == [
        ("a", "the thing that holds tea", True, (60, 40)),
        ("b", "the thing that holds tea", True, (60, 40)),
    ]
    assert found[1].box == (10, 10, 20, 20)
    with pytest.raises(InputError, match="holds no ReasonSeg"):
        load("reasonseg", tmp_path, split="test")


def test_smaller_regions_cover_larger_ones_and_ignored_ones_are_kept_apart(tmp_path: Path) -> None:
    shapes = [
        shape("Target", 10, 10, 14, 14),
        shape("ignore", 5, 5, 30, 30),
        shape("flag", 0, 0, 59, 39),
        shape("target", 40, 5, 50, 15),
        shape("ignore", 44, 8, 46, 10),
    ]
    write_reasonseg(tmp_path / "test", x=document(*shapes))
    (item,) = load("reasonseg", tmp_path, split="test").images
    target, ignore = decode_rle(item.mask or {}), decode_rle(item.ignore or {})
    assert target[10:15, 10:15].all()
    assert not target[8:11, 44:47].any()
    assert ignore[8:11, 44:47].all()
    assert not (target & ignore).any()
    assert target.sum() == 25 + 121 - 9
    assert ignore.sum() == 26 * 26 - 25 + 9
    assert item.box == (10, 10, 14, 14)
    assert item.polygon == ((10, 10), (14, 10), (14, 14), (10, 14))


def test_a_file_without_a_target_is_asked_all_the_same(tmp_path: Path) -> None:
    write_reasonseg(
        tmp_path / "test", x=document(), y=document(shape("ignore", 1, 1, 9, 9), shape("target", 20, 20, 30, 30))
    )
    findings = Findings()
    nothing, second = load("reasonseg", tmp_path, findings, split="test").images
    assert nothing.box is None
    assert nothing.polygon is None
    assert not decode_rle(nothing.mask or {}).any()
    assert second.box == (20, 20, 30, 30)
    assert second.polygon == ((1, 1), (9, 1), (9, 9), (1, 9))
    assert findings.count("target_absent") == findings.count("first_polygon") == 1
    assert findings.count("several_texts") == 2
    data = load_task(TASKS["reasonseg"], LoadOptions(tmp_path, split="test"))
    assert [sample.boxes.shape for sample in data.samples("{question}", None)] == [(0, 4), (1, 4)]


def test_a_target_outside_the_image_is_no_box_and_counted(tmp_path: Path) -> None:
    outside, inside = shape("target", 70, 50, 80, 60), shape("target", 10, 10, 20, 20)
    write_reasonseg(tmp_path / "val", x=document(outside), y=document(outside, inside))
    findings = Findings()
    nothing, second = load("reasonseg", tmp_path, findings).images
    assert nothing.box is None
    assert second.box == (10, 10, 20, 20)
    assert findings.count("box_empty") == 2


def test_files_in_cp1252_are_read_as_lisa_reads_them(tmp_path: Path) -> None:
    text = json.dumps(document(shape("target", 1, 1, 9, 9), text="the caf\u00e9\u2019s cup"), ensure_ascii=False)
    write_reasonseg(tmp_path / "val", utf8=text.encode("utf-8"), cp1252=text.encode("cp1252"))
    findings = Findings()
    assert {item.text for item in load("reasonseg", tmp_path, findings).images} == {"the caf\u00e9\u2019s cup"}
    assert [(found.kind, found.examples) for found in findings] == [("encoding", ["cp1252.json"])]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([], "must be an object with text and shapes"),
        (document(text=()), "text: must be a list of descriptions"),
        (document(is_sentence="yes"), "is_sentence: must be true or false"),
        ({**document(), "shapes": None}, "shapes: must be a list"),
        (document({"label": 3}), "shapes[0]: must have a label"),
        (document({"label": "target", "points": [[1]]}), "shapes[0].points: must be a list of points"),
        (document({"label": "target", "points": []}), "shapes[0].points: must be a list of points"),
        (document(shape("target", 0, 0, 1e9, 5)), "shapes[0].points: lies far outside the image of 60x40"),
        (document(imageWidth=0, imageHeight=5), "imageWidth, imageHeight: must be positive"),
        (b"\x81\x8d{", "neither UTF-8 nor cp1252"),
        (b'{"text": ', "x.json:1: not JSON"),
    ],
)
def test_a_bad_reasonseg_file_is_refused(tmp_path: Path, content: Any, expected: str) -> None:
    write_reasonseg(tmp_path / "val", x=content)
    with pytest.raises(InputError) as error:
        load("reasonseg", tmp_path)
    assert expected in str(error.value)
    assert "x.json" in str(error.value)


def test_recorded_answers_need_no_images_when_the_files_tell_their_size(tmp_path: Path) -> None:
    target = shape("target", 10, 10, 20, 20)
    folder = write_reasonseg(tmp_path / "val", x=document(target, imageWidth=60, imageHeight=40), y=document(target))
    (folder / "x.jpg").unlink()
    found = load("reasonseg", tmp_path)
    assert [item.size for item in found.images] == [(60, 40), (60, 40)]
    assert found.origin.unusable == {folder / "x.jpg"}
    (folder / "y.jpg").unlink()
    with pytest.raises(InputError, match=r"y\.json: tells no size, and its image y\.jpg is not there"):
        load("reasonseg", tmp_path)
    findings = Findings()
    with pytest.raises(InputError, match="none of the 2 images is there"):
        load("reasonseg", tmp_path, findings, missing="skip")
    write_image(folder / "x.jpg", (60, 40))
    kept = load("reasonseg", tmp_path, findings, missing="skip")
    assert [item.name for item in kept.images] == ["x"]
    assert kept.origin.left_out == ("y.jpg",)


def test_an_image_may_have_another_ending(tmp_path: Path) -> None:
    folder = write_reasonseg(tmp_path / "val", x=document(shape("target", 10, 10, 20, 20)))
    (folder / "x.jpg").unlink()
    write_image(folder / "x.png", (60, 40))
    assert load("reasonseg", tmp_path, missing="error").images[0].path == folder / "x.png"
