"""DIoU, CIoU, rotated boxes, polygons, and matching within labels."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from vrft_rewards import (
    box_ciou,
    box_diou,
    box_iou,
    match_boxes,
    points_in_polygon,
    polygon_iou,
    rotated_box_corners,
    rotated_box_iou,
)

RNG = np.random.default_rng(1)


def random_boxes(count: int) -> np.ndarray:
    corners = RNG.uniform(0, 100, (count, 2))
    return np.concatenate([corners, corners + RNG.uniform(1, 60, (count, 2))], axis=1)


def by_hand(a: list[float], b: list[float]) -> tuple[float, float]:
    """DIoU and CIoU from centres, widths and heights, one pair at a time."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = (((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1) for x1, y1, x2, y2 in (a, b))
    width = max(0.0, (aw + bw) / 2 - max(abs(ax - bx), abs(aw - bw) / 2))
    height = max(0.0, (ah + bh) / 2 - max(abs(ay - by), abs(ah - bh) / 2))
    iou = width * height / (aw * ah + bw * bh - width * height)
    hull = math.hypot(max(a[2], b[2]) - min(a[0], b[0]), max(a[3], b[3]) - min(a[1], b[1]))
    diou = iou - (math.hypot(ax - bx, ay - by) / hull) ** 2
    v = 4 / math.pi**2 * (math.atan(aw / ah) - math.atan(bw / bh)) ** 2
    return diou, diou - (v / (1 - iou + v) * v if v else 0.0)


def test_diou_and_ciou_agree_with_a_derivation_by_hand() -> None:
    a, b = random_boxes(30), random_boxes(20)
    diou, ciou = box_diou(a, b), box_ciou(a, b)
    for (i, first), (j, second) in itertools.product(enumerate(a.tolist()), enumerate(b.tolist())):
        assert (diou[i, j], ciou[i, j]) == pytest.approx(by_hand(first, second), abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "diou", "ciou"),
    [
        ([0, 0, 10, 10], [0, 0, 10, 10], 1.0, 1.0),
        ([0, 0, 10, 10], [2, 2, 8, 8], 0.36, 0.36),
        ([0, 0, 10, 10], [10, 0, 20, 10], -0.2, -0.2),
        # Same centre, 4x2 in 2x4: IoU 1/3, v = 4/pi^2 (atan 2 - atan 1/2)^2.
        ([0, 1, 4, 3], [1, 0, 3, 4], 1 / 3, 1 / 3 - 0.167812**2 / (2 / 3 + 0.167812)),
        ([5, 5, 5, 5], [5, 5, 5, 5], 0.0, 0.0),
    ],
)
def test_known_values(a: list[float], b: list[float], diou: float, ciou: float) -> None:
    assert box_diou([a], [b]).item() == pytest.approx(diou)
    assert box_ciou([a], [b]).item() == pytest.approx(ciou, abs=1e-5)


def test_empty_arrays_have_their_shape() -> None:
    for function in (box_diou, box_ciou, rotated_box_iou):
        assert function([], []).shape == (0, 0)
    assert polygon_iou([], [[(0, 0), (1, 0), (0, 1)]]).shape == (0, 1)


def test_polygons_agree_with_boxes() -> None:
    a, b = random_boxes(20), random_boxes(30)
    corners = [[[(x1, y1), (x2, y1), (x2, y2), (x1, y2)] for x1, y1, x2, y2 in boxes.tolist()] for boxes in (a, b)]
    np.testing.assert_allclose(polygon_iou(*corners), box_iou(a, b), atol=1e-12)
    turned = [
        np.column_stack([(x[:, :2] + x[:, 2:]) / 2, (x[:, 2:] - x[:, :2])[:, ::-1], np.full(len(x), 90.0)])
        for x in (a, b)
    ]
    np.testing.assert_allclose(rotated_box_iou(*turned), box_iou(a, b), atol=1e-9)


def test_rotated_squares_make_an_octagon() -> None:
    # Unit squares turned by 45 degrees against each other share a regular octagon of area 2 (sqrt 2 - 1).
    shared = 2 * (math.sqrt(2) - 1)
    assert rotated_box_iou([[3, 4, 1, 1, 0]], [[3, 4, 1, 1, 45]]).item() == pytest.approx(shared / (2 - shared))


def test_rotation_turns_x_towards_y() -> None:
    np.testing.assert_allclose(
        rotated_box_corners([[0, 0, 4, 2, 90]])[0], [[1, -2], [1, 2], [-1, 2], [-1, -2]], atol=1e-12
    )


def test_a_polygon_that_crosses_itself_counts_its_lobes() -> None:
    bow = [(0, 0), (2, 2), (2, 0), (0, 2)]
    assert polygon_iou([bow], [[(0, 0), (2, 0), (2, 2), (0, 2)]]).item() == pytest.approx(0.5)
    assert points_in_polygon([[0.2, 1], [1, 0.2]], bow).tolist() == [True, False]


@pytest.mark.parametrize(
    "polygon",
    [[], [(0, 0), (1, 1)], [(0, 0), (1, 1), (2, 2)], [(0, 0, 0)] * 3, [(0, 0), (1, float("nan")), (1, 0)], "x"],
)
def test_bad_polygons_are_named(polygon: object) -> None:
    with pytest.raises(ValueError, match=r"b\[1\]"):
        polygon_iou([], [[(0, 0), (1, 0), (0, 1)], polygon])  # type: ignore[list-item]


@pytest.mark.parametrize("boxes", [[[0, 0, 1, 1]], [[0, 0, 0, 1, 0]], [[0, 0, 1, float("inf"), 0]], None, [["a"] * 5]])
def test_bad_rotated_boxes_are_named(boxes: object) -> None:
    with pytest.raises(ValueError, match=r"^a"):
        rotated_box_iou(boxes, [])  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["greedy", "optimal"])
def test_only_equal_labels_match(method: str) -> None:
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60]]
    found = match_boxes(
        boxes, [0.9, 0.8, 0.7], [boxes[0], boxes[2]], 0.5, method,  # type: ignore[arg-type]
        labels=["cat", "dog", None], truth_labels=["dog", "cat"],
    )  # fmt: skip
    assert found.truth_of.tolist() == [-1, 0, -1]
    assert found.iou.tolist() == [0.0, pytest.approx(0.9), 0.0]


def test_labels_need_their_other_half_and_length() -> None:
    box = [[0, 0, 1, 1]]
    with pytest.raises(ValueError, match="labels, truth_labels"):
        match_boxes(box, [1], box, labels=["a"])
    with pytest.raises(ValueError, match="truth_labels: expected 1"):
        match_boxes(box, [1], box, labels=["a"], truth_labels=[])


@pytest.mark.parametrize("method", ["greedy", "optimal"])
def test_ties_are_decided_by_the_arguments_alone(method: str) -> None:
    box = [0, 0, 10, 10]
    runs = {tuple(match_boxes([box] * 3, [0.5] * 3, [box] * 2, 0.5, method).truth_of.tolist()) for _ in range(5)}  # type: ignore[arg-type]
    assert runs == {(0, 1, -1)}
