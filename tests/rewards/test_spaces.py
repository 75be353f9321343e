"""Coordinate spaces in the rewards: sizes, factors, edges, and conversions that lose nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vrft_rewards import (
    DetectionReward,
    GroundingReward,
    Space,
    from_pixels,
    parse_box,
    parse_detections,
    smart_resize,
    to_pixels,
)
from vrft_rewards.coordinates import SPACES

SIZES = [(640, 480), (333, 777), (4000, 3000), (28, 28), (1, 150)]


def say(*box: float) -> str:
    return f"<think>I look.</think><answer>[{{'Position': {list(box)}, 'Confidence': 1}}]</answer>"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("space", SPACES)
def test_whole_pixels_come_back_whole(space: Space, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    boxes = rng.integers(0, 4000, (5000, 4)).astype(float)
    for factor in (28, 32):
        seen = smart_resize(size, factor)
        np.testing.assert_array_equal(to_pixels(from_pixels(boxes, space, size, seen), space, size, seen), boxes)
        np.testing.assert_array_equal(from_pixels(to_pixels(boxes, space, size, seen), space, size, seen), boxes)


def test_what_is_not_whole_comes_back_to_rounding() -> None:
    boxes = np.random.default_rng(2).uniform(0, 4000, (500, 4))
    for space in SPACES:
        back = to_pixels(from_pixels(boxes, space, (641, 479), (644, 476)), space, (641, 479), (644, 476))
        np.testing.assert_allclose(back, boxes, rtol=1e-15)


@pytest.mark.parametrize("function", [to_pixels, from_pixels])
def test_the_size_that_the_model_saw_is_never_guessed(function: Any) -> None:
    with pytest.raises(ValueError, match="resized_size: needed to convert from or to 'pixels-resized'"):
        function([[1, 2, 3, 4]], "pixels-resized", (640, 480))
    with pytest.raises(ValueError, match=r"resized_size: expected \(width, height\)"):
        function([[1, 2, 3, 4]], "pixels-resized", (640, 480), (0, 5))
    for boxes in ([[1, 2, 3]], "abcd", [["1", 2, 3, 4]], 5):
        with pytest.raises(ValueError, match="boxes: expected"):
            function(boxes, "norm1", (640, 480))


def test_the_same_space_changes_not_a_bit() -> None:
    boxes = np.random.default_rng(1).uniform(0, 1000, (500, 4))
    for function in (to_pixels, from_pixels):
        same = function(boxes, "pixels", (641, 479))
        np.testing.assert_array_equal(same, boxes)
        assert same is not boxes


@pytest.mark.parametrize(("factor", "pixels"), [(28, 28 * 28 * 1280), (32, 32 * 32 * 16384)])
@pytest.mark.parametrize("size", SIZES[:3])
def test_resized_pixels_follow_the_processor(factor: int, pixels: int, size: tuple[int, int]) -> None:
    width, height = smart_resize(size, factor, 56 * 56, pixels)
    fields: dict[str, Any] = {
        "space": "pixels-resized",
        "truth_space": "pixels",
        "resize_factor": factor,
        "max_pixels": pixels,
    }
    answer = say(0, 0, width // 2, height // 2)
    truth = [0, 0, width // 2 * size[0] / width, height // 2 * size[1] / height]
    assert DetectionReward(**fields).score(answer, [truth], size).parts["iou"] == pytest.approx(1)
    assert GroundingReward(**fields).score(answer, truth, size).parts["giou"] == pytest.approx(1)


@pytest.mark.parametrize("space", SPACES)
def test_edges_are_those_of_the_space(space: Space) -> None:
    whole = {"norm1000": (1000, 1000), "norm1": (1, 1), "pixels": (640, 480), "pixels-resized": (644, 476)}[space]
    beyond = f"[0, 0, {whole[0] * 2}, {whole[1] * 2}]"
    size: dict[str, Any] = {"image_size": (640, 480), "resized_size": (644, 476)}
    clipped = parse_detections(beyond, space, **size)
    assert clipped.boxes.tolist() == [[0, 0, *whole]]
    assert [str(issue.kind) for issue in clipped.issues] == ["out_of_range", "confidence_missing"]
    assert len(parse_detections(beyond, space, **size, out_of_range="reject")) == 0
    assert parse_detections(beyond, space, **size, out_of_range="keep").boxes.tolist() == [
        [0, 0, whole[0] * 2, whole[1] * 2]
    ]
    box = parse_box(beyond, space, **size).box
    assert box is not None
    assert box.tolist() == [0, 0, *whole]


def test_inverted_boxes_are_dropped_or_turned() -> None:
    answer = say(300, 300, 100, 100)
    truth = [[100, 100, 300, 300]]
    assert DetectionReward().score(answer, truth).parts["iou"] == 0
    assert DetectionReward(inverted="swap").score(answer, truth).parts["iou"] == 1
    assert DetectionReward(inverted="swap").score(say(5, 5, 5, 9), truth).parts["iou"] == 0


def test_bad_sizes_are_named() -> None:
    with pytest.raises(ValueError, match="min_pixels"):
        DetectionReward(min_pixels=10, max_pixels=5)
    with pytest.raises(ValueError, match="resize_factor"):
        DetectionReward(resize_factor=0)
    reward = DetectionReward(space="pixels-resized")
    with pytest.raises(ValueError, match="image_size: the aspect ratio"):
        reward.score(say(1, 2, 3, 4), [], (1, 500))
    with pytest.raises(ValueError, match=r"image_sizes\[1\]: expected"):
        reward.score_batch(["", ""], [[], []], [(5, 5), (5, 0)])
