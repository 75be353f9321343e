"""Coordinate spaces in the rewards: sizes, factors, edges, and conversions that lose nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vrft_rewards import DetectionReward, GroundingReward, Space, from_pixels, parse_detections, smart_resize, to_pixels
from vrft_rewards.coordinates import SPACES

SIZES = [(640, 480), (333, 777), (4000, 3000), (28, 28), (1, 150)]


def say(*box: float) -> str:
    return f"<think>I look.</think><answer>[{{'Position': {list(box)}, 'Confidence': 1}}]</answer>"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("space", SPACES)
def test_whole_pixels_come_back_whole(space: Space, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    boxes = rng.integers(0, 4000, (500, 4)).astype(float)
    back = to_pixels(from_pixels(boxes, space, size), space, size)
    np.testing.assert_array_equal(back.round(9), boxes)
    np.testing.assert_array_equal(from_pixels(to_pixels(boxes, space, size), space, size).round(9), boxes)


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
    clipped = parse_detections(beyond, space, (640, 480))
    assert clipped.boxes.tolist() == [[0, 0, *whole]]
    assert [str(issue.kind) for issue in clipped.issues] == ["out_of_range", "confidence_missing"]
    assert len(parse_detections(beyond, space, (640, 480), out_of_range="reject")) == 0
    assert len(parse_detections(beyond, space, (640, 480), out_of_range="keep")) == 1


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
