"""Boxes, coordinates and matching."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vrft_rewards import box_giou, box_iou, from_pixels, match_boxes, smart_resize, to_pixels
from vrft_rewards.boxes import giou_of_pair, iou_of_pair, valid_boxes
from vrft_rewards.coordinates import SPACES
from vrft_rewards.matching import Method

RNG = np.random.default_rng(0)


def random_boxes(count: int, integers: bool = False) -> np.ndarray:
    corners = RNG.uniform(0, 100, (count, 2))
    boxes = np.concatenate([corners, corners + RNG.uniform(1, 60, (count, 2))], axis=1)
    return boxes.round() if integers else boxes


@pytest.mark.parametrize(
    ("a", "b", "iou", "giou"),
    [
        ([0, 0, 10, 10], [0, 0, 10, 10], 1.0, 1.0),
        ([0, 0, 10, 10], [10, 0, 20, 10], 0.0, 0.0),
        ([0, 0, 10, 10], [5, 0, 15, 10], 1 / 3, 1 / 3),
        ([0, 0, 10, 10], [20, 0, 30, 10], 0.0, -1 / 3),
        ([0, 0, 10, 10], [2, 2, 8, 8], 0.36, 0.36),
        ([5, 5, 5, 5], [5, 5, 5, 5], 0.0, 0.0),
    ],
)
def test_iou_and_giou(a: list[float], b: list[float], iou: float, giou: float) -> None:
    assert box_iou([a], [b]).item() == pytest.approx(iou)
    assert box_giou([a], [b]).item() == pytest.approx(giou)


def test_pairs_and_arrays_agree_to_the_last_bit() -> None:
    a, b = random_boxes(40), random_boxes(30)
    iou, giou = box_iou(a, b), box_giou(a, b)
    for (i, first), (j, second) in itertools.product(enumerate(a.tolist()), enumerate(b.tolist())):
        assert iou_of_pair(tuple(first), tuple(second)) == iou[i, j]
        assert giou_of_pair(tuple(first), tuple(second)) == giou[i, j]


def test_iou_never_exceeds_one() -> None:
    boxes = random_boxes(300)
    assert (np.diag(box_iou(boxes, boxes)) == 1.0).all()
    assert box_iou(boxes, boxes + 1e-13).max() <= 1.0


def test_empty_boxes_are_fine_and_bad_ones_named() -> None:
    assert box_iou([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert box_iou(np.zeros((0, 4)), []).shape == (0, 0)
    for bad in ([[0, 0, 1]], [0, 0, 1, 1], [[0, 0, 1, float("nan")]], [["a", 0, 0, 0]], None, [[[0, 0, 1, 1]]]):
        with pytest.raises(ValueError, match=r"^b"):
            box_iou([[0, 0, 1, 1]], bad)  # type: ignore[arg-type]


def test_valid_boxes() -> None:
    boxes = [[0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, float("inf")]]
    assert valid_boxes(boxes).tolist() == [True, False, False, False]


@pytest.mark.parametrize("space", SPACES)
def test_round_trips(space: str) -> None:
    boxes = random_boxes(100, integers=True)
    there = from_pixels(boxes, space, (640, 427), (644, 420))  # type: ignore[arg-type]
    np.testing.assert_array_equal(to_pixels(there, space, (640, 427), (644, 420)), boxes)  # type: ignore[arg-type]


def test_spaces() -> None:
    assert to_pixels([[0, 0, 1000, 500]], "norm1000", (640, 480)).tolist() == [[0, 0, 640, 240]]
    assert to_pixels([0.5, 0.5, 1, 1], "norm1", (640, 480)).tolist() == [320, 240, 640, 480]
    seen = smart_resize((640, 480))
    assert to_pixels([[322, 238, 644, 476]], "pixels-resized", (640, 480), seen).tolist() == [[320, 240, 640, 480]]
    assert to_pixels([[50, 50, 100, 100]], "pixels-resized", (200, 200), (100, 100)).tolist() == [[100, 100, 200, 200]]


@pytest.mark.parametrize(
    ("size", "factor", "expected"),
    [
        ((640, 480), 28, (644, 476)),
        ((640, 480), 32, (640, 480)),
        ((112, 112), 28, (112, 112)),
        ((20, 20), 28, (56, 56)),
        ((4000, 3000), 28, (1148, 840)),
        ((1, 200), 28, (28, 196)),
    ],
)
def test_smart_resize(size: tuple[int, int], factor: int, expected: tuple[int, int]) -> None:
    assert smart_resize(size, factor) == expected


def test_smart_resize_agrees_with_transformers() -> None:
    module = pytest.importorskip("transformers.models.qwen2_vl.image_processing_qwen2_vl", exc_type=ImportError)
    for width, height in RNG.integers(10, 4000, (200, 2)).tolist():
        for factor, low, high in ((28, 56 * 56, 28 * 28 * 1280), (32, 65536, 16777216)):
            theirs = module.smart_resize(height, width, factor, low, high)
            assert smart_resize((width, height), factor, low, high) == (theirs[1], theirs[0])


@pytest.mark.parametrize("size", [(1, 201), (0, 5), (5, -1), (5,), "ab", (2.5, 2), None])
def test_bad_image_sizes(size: object) -> None:
    with pytest.raises(ValueError, match="image_size"):
        smart_resize(size)  # type: ignore[arg-type]


def test_greedy_goes_by_confidence_and_keeps_ties_in_order() -> None:
    truth = [[0, 0, 10, 10]]
    close, exact = [1, 0, 11, 10], [0, 0, 10, 10]
    assert match_boxes([close, exact], [0.9, 0.8], truth).truth_of.tolist() == [0, -1]
    assert match_boxes([close, exact], [0.8, 0.9], truth).truth_of.tolist() == [-1, 0]
    assert match_boxes([close, exact], [0.9, 0.9], truth).truth_of.tolist() == [0, -1]


def test_optimal_maximises_the_sum_over_passing_pairs() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        corners = rng.uniform(0, 30, (9, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(10, 30, (9, 2))], axis=1)
        predictions, truth = boxes[:4], boxes[4:]
        iou = box_iou(predictions, truth)
        gain = np.where(iou >= 0.3, iou, 0)
        best = max(sum(gain[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(5), 4))
        matching = match_boxes(predictions, np.ones(4), truth, 0.3, "optimal")
        assert matching.iou.sum() == pytest.approx(best)
        assert (matching.iou[matching.truth_of >= 0] >= 0.3).all()


def test_threshold_strict_or_not() -> None:
    half = [0, 0, 10, 5]  # IoU exactly 0.5
    methods: tuple[Method, ...] = ("greedy", "optimal")
    for method in methods:
        assert match_boxes([half], [1], [[0, 0, 10, 10]], 0.5, method).hits == 1
        assert match_boxes([half], [1], [[0, 0, 10, 10]], 0.5, method, strict=True).hits == 0
        assert match_boxes([[20, 20, 30, 30]], [1], [[0, 0, 10, 10]], 0.0, method).hits == 0


def test_matching_counts() -> None:
    matching = match_boxes([[0, 0, 10, 10], [50, 50, 60, 60]], [1, 1], [[0, 0, 10, 10], [70, 70, 80, 80], [1, 1, 9, 9]])
    assert (matching.hits, matching.wrong, matching.missed) == (1, 1, 2)
    assert matching.prediction_of.tolist() == [0, -1, -1]
    assert match_boxes([], [], []).hits == 0
    assert match_boxes([], [], [[0, 0, 1, 1]]).missed == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"scores": [1, 1]}, "scores"), ({"scores": [float("nan")]}, "scores"), ({"method": "best"}, "method"),
     ({"threshold": 2}, "threshold"), ({"truth": [[0, 0, 1]]}, "truth"), ({"predictions": [[0, 0, 1]]}, "predictions")],
)  # fmt: skip
def test_bad_matching_input(changes: dict[str, object], field: str) -> None:
    arguments: dict[str, object] = {"predictions": [[0, 0, 1, 1]], "scores": [1], "truth": [[0, 0, 1, 1]]}
    with pytest.raises(ValueError, match=field):
        match_boxes(**(arguments | changes))  # type: ignore[arg-type]
