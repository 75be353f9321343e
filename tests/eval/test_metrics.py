from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vrft_eval.datasets import Annotation, CocoImage
from vrft_eval.masks import fill_boxes
from vrft_eval.metrics import detection_metrics
from vrft_eval.rle import decode_rle, encode_rle

IMAGES = [CocoImage(5, Path("x.png"), (200, 200))]
NAMES = {1: "cat", 2: "dog", 3: "bus"}
TRUTH = [
    Annotation(5, 1, (10.0, 10.0, 100.0, 100.0), 10_000.0, False),
    Annotation(5, 2, (0.0, 0.0, 20.0, 20.0), 400.0, False),
    Annotation(5, 3, (0.0, 0.0, 200.0, 200.0), 40_000.0, True),
]


def _prediction(**change: Any) -> dict[str, Any]:
    return {"image_id": 5, "category_id": 1, "bbox": [10.0, 10.0, 100.0, 100.0], "score": 0.9, **change}


def test_a_perfect_box_scores_one_and_sizes_without_truth_are_not_numbers() -> None:
    found = detection_metrics(IMAGES, NAMES, TRUTH, [_prediction()], {1})
    assert found.overall["mAP"] == pytest.approx(1.0)
    assert found.overall["APl"] == pytest.approx(1.0)
    assert found.overall["APs"] is None
    assert found.overall["AR1"] == pytest.approx(1.0)


def test_the_headline_is_the_mean_of_the_selected_categories_with_truth() -> None:
    found = detection_metrics(IMAGES, NAMES, TRUTH, [_prediction()], {1, 2, 3})
    assert found.overall["mAP"] == pytest.approx(0.5)
    assert found.without_truth == (3,)
    assert found.per_category[3]["mAP"] is None
    assert found.per_category[2]["mAP"] == 0.0


def test_no_detections_are_zeros_and_no_truth_is_nothing() -> None:
    found = detection_metrics(IMAGES, NAMES, TRUTH, [], {1, 2})
    assert found.overall["mAP"] == 0.0
    nothing = detection_metrics(IMAGES, NAMES, [], [_prediction()], {1, 2})
    assert set(nothing.overall.values()) == {None}
    assert nothing.without_truth == (1, 2)


def test_a_detection_in_a_crowd_is_neither_right_nor_wrong() -> None:
    truth = [*TRUTH, Annotation(5, 1, (120.0, 120.0, 80.0, 80.0), 6400.0, True)]
    inside = _prediction(bbox=[130.0, 130.0, 20.0, 20.0], score=0.99)
    assert detection_metrics(IMAGES, NAMES, truth, [inside, _prediction()], {1}).overall["mAP"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"image_id": 6}, "image_id"),
        ({"category_id": 4}, "category_id"),
        ({"score": float("nan")}, "finite"),
        ({"bbox": [0.0, 0.0, float("inf"), 1.0]}, "finite"),
    ],
)
def test_what_hotcoco_would_take_silently_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=rf"predictions\[1\].*{field}"):
        detection_metrics(IMAGES, NAMES, TRUTH, [_prediction(), _prediction(**change)], {1})


def test_masks_survive_the_round_trip() -> None:
    mask = fill_boxes([[1.0, 2.0, 6.0, 5.0]], (9, 7))[0]
    assert (decode_rle(encode_rle(mask)) == mask).all()
    with pytest.raises(ValueError, match="RLE"):
        decode_rle({"size": [2, 2], "counts": [99]})
