"""A COCO file read all at once is the file read entry by entry: the same data, the same findings, the same error."""

from __future__ import annotations

import json
import random
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from eval_helpers import coco_document
from hypothesis import HealthCheck, given, settings
from test_datasets import lvis_document
from test_datasets_hostile import changed

from vrft_eval.datasets import Annotation, Annotations, CocoImage, load_coco
from vrft_eval.datasets.boxes import true_boxes
from vrft_eval.datasets.coco_columns import decode
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings

BROKEN = [
    (b'"info": "\xff"', "not UTF-8"),
    (b'"info": {"\xc0\x80": 1}', "not UTF-8"),
    (b'"info": "\\x"', "not JSON"),
    (b'"info": "\x01"', "not JSON"),
    (b'"info": [1, 2', "not JSON"),
    (b'"info": 01', "not JSON"),
    (b'"info": nul', "not JSON"),
    (b'"info": NaN', None),
    (b'"info": "\\ud800"', None),
    (b'"info": 1e999', None),
]
"""Parts of a file that nothing needs, and how its error begins: what is passed over must be sound too."""

ODD: list[Any] = [
    None,
    True,
    0,
    1,
    -1,
    3.0,
    2.5,
    -0.0,
    2**53,
    -(2**53),
    2**53 - 1,
    2**63,
    10**400,
    float("nan"),
    "1",
    [],
    {},
]


def outcome(file: Path, *, collect: bool, entry_by_entry: bool) -> tuple[Any, ...]:
    """What comes of a file: its data or its error, and everything found."""
    findings = Findings(collect=collect)
    decoder = patch("vrft_eval.datasets.coco.decode", return_value=None) if entry_by_entry else patch.dict({})
    with decoder:
        try:
            result: Any = load_coco(file, file.parent / "images", findings)
        except InputError as error:
            result = str(error)
    return result, [(item.kind, item.count, item.examples) for item in findings]


def both_ways(data: bytes) -> Any:
    """Read a file in both ways, errors raised and errors collected; returns what came of raising them."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "annotations.json"
        file.write_bytes(data)
        for collect in (True, False):
            found = outcome(file, collect=collect, entry_by_entry=False)
            assert found == outcome(file, collect=collect, entry_by_entry=True)
    return found[0]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changed(coco_document()))
def test_a_changed_coco_file_says_the_same_in_both_ways(document: Any) -> None:
    both_ways(json.dumps(document).encode())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changed(lvis_document(early=True)))
def test_a_changed_lvis_file_says_the_same_in_both_ways(document: Any) -> None:
    both_ways(json.dumps(document).encode())


@pytest.mark.parametrize("field", ["id", "image_id", "category_id", "bbox", "area", "iscrowd"])
@pytest.mark.parametrize("value", [*ODD, *([*(1, 2, 3, 4)[:k], item] for k in (2, 3, 4) for item in ODD)])
def test_each_field_of_an_annotation_says_the_same_in_both_ways(field: str, value: Any) -> None:
    document = coco_document()
    document["annotations"][1][field] = value
    both_ways(json.dumps(document).encode())
    del document["annotations"][1][field]
    both_ways(json.dumps(document).encode())


@pytest.mark.parametrize(("part", "begins"), BROKEN)
def test_what_is_passed_over_must_be_sound(part: bytes, begins: str | None) -> None:
    whole = json.dumps(coco_document()).encode()
    found = both_ways(whole[:-1] + b", " + part + b"}")
    assert (begins in found) if begins else not isinstance(found, str)


def test_a_file_cut_off_anywhere_says_the_same_in_both_ways() -> None:
    whole = json.dumps(coco_document()).encode()
    for end in range(0, len(whole), 37):
        assert isinstance(both_ways(whole[:end]), str)


def test_an_ordinary_file_is_read_all_at_once() -> None:
    for document in (coco_document(), lvis_document(early=True)):
        columns = decode(json.dumps(document).encode())
        assert columns is not None
        ids = {image["id"] for image in document["images"]}
        found = columns.fitting(ids, {category["id"] for category in document["categories"]})
        assert found is not None
        assert [list(item.bbox) for item in found] == [entry["bbox"] for entry in document["annotations"]]


def test_true_boxes_are_those_of_each_annotation_alone() -> None:
    random.seed(5)
    images = [CocoImage(key, Path(f"{key}.jpg"), (100, 80 + key)) for key in (9, 2, 5)]
    rows = [
        Annotation(
            random.choice([9, 2, 5]),
            random.choice([4, 1]),
            (random.choice([-7.5, 0.0, -0.0, 20.0, 99.5]), 3.0, random.choice([0.0, 1.5, 300.0]), 40.0),
            1.0,
            random.random() < 0.2,
        )
        for _ in range(300)
    ]
    expected: dict[tuple[int, int], list[list[float]]] = defaultdict(list)
    seen: set[Any] = set()
    found = Findings()
    for row in rows:
        size = next(image.size for image in images if image.id == row.image_id)
        x1, y1, x2, y2 = np.clip(row.xyxy, 0.0, [*size, *size]).tolist()
        if x1 < x2 and y1 < y2 and not row.crowd:
            expected[row.image_id, row.category_id].append([x1, y1, x2, y2])
        if (key := (row.image_id, row.category_id, row.bbox)) in seen:
            found.see("box_twice", "")
        seen.add(key)
    findings = Findings()
    boxes = true_boxes(images, Annotations.of(rows), findings)
    assert list(boxes) == list(expected)
    assert {pair: value.tolist() for pair, value in boxes.items()} == expected
    assert findings.count("box_twice") == found.count("box_twice") > 0
    assert true_boxes(images, Annotations.of([]), findings) == {}
