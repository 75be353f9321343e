"""Bad truth, options and lists: one ValueError that names the field and, where there is one, the index."""

# ruff: noqa: E501 (a table reads best with one case a line)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vrft_rewards import (
    PROFILES,
    ClassificationReward,
    DetectionReward,
    GroundingReward,
    LabelMatcher,
    RepetitionReward,
    Reward,
    WeightedReward,
    group_advantages,
    parse_detections,
    parse_response,
)
from vrft_rewards.adapters.options import TaskRewards

NAN = float("nan")
SAY = "<think>a</think><answer>{}</answer>"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LabelMatcher(5), "labels: expected a list of labels, got 5"),  # type: ignore[arg-type]
        (lambda: LabelMatcher(["a"], ["b"]), "aliases: expected a mapping"),  # type: ignore[arg-type]
        (lambda: LabelMatcher(["a"], {"a": None}), r"aliases\['a'\]: expected a list of names, got None"),  # type: ignore[dict-item]
        (lambda: LabelMatcher(["a"], {"a": [5]}), r"aliases\['a'\]"),  # type: ignore[list-item]
        (lambda: LabelMatcher(["a"], cutoff="x"), "cutoff: expected a number"),  # type: ignore[arg-type]
        (lambda: LabelMatcher(["a"], margin=NAN), "margin: expected a number"),
        (lambda: ClassificationReward([]), "labels: the list is empty"),
        (lambda: ClassificationReward(aliases={"a": ["b"]}), "aliases: need labels"),
        (lambda: DetectionReward(PROFILES["default"].grounding), "profile: expected a name or a DetectionProfile"),  # type: ignore[arg-type]
        (lambda: TaskRewards("detect"), "task: unknown task 'detect'"),
        (lambda: TaskRewards(None), "task: missing"),  # type: ignore[arg-type]
        (lambda: WeightedReward({"a": DetectionReward()}, {"a": True}), r"weights\['a'\]: expected a number"),
        (lambda: group_advantages(["a"], 1), "rewards: expected numbers"),
        (lambda: group_advantages([1, NAN], 2), r"rewards\[1\]: expected a finite number"),
        (lambda: group_advantages([1, 2], 2.0), "group_size"),  # type: ignore[call-overload]
        (lambda: group_advantages([1, 2], None), "group_size"),  # type: ignore[call-overload]
        (lambda: parse_response("", "middle"), "choose: expected 'last' or 'first', got 'middle'"),  # type: ignore[arg-type]
        (lambda: parse_detections("", "norm100"), "space: unknown coordinate space 'norm100'"),  # type: ignore[arg-type]
        (lambda: parse_detections("", out_of_range="crop"), "out_of_range: expected one of 'clip', 'reject', 'keep', got 'crop'"),  # type: ignore[arg-type]
        (lambda: parse_detections("", inverted="keep"), "inverted: expected one of"),  # type: ignore[arg-type]
        (lambda: parse_detections("", max_boxes=0), "max_boxes: expected a whole number"),
        (lambda: parse_detections("", missing_confidence=7), "missing_confidence: expected a number in"),
        (lambda: parse_detections("", missing_confidence=NAN), "missing_confidence"),
        (lambda: parse_detections("", "pixels", (5,)), "image_size: expected"),  # type: ignore[arg-type]
        (lambda: parse_detections("", "pixels-resized", None, resized_size=(5, -1)), "resized_size: expected"),
    ],
)  # fmt: skip
def test_options_are_checked(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


BAD_BOXES: list[tuple[object, str]] = [
    (None, "truth: expected"),
    (5, "truth: expected"),
    ("No Objects", "truth: expected"),
    ([None], r"truth\[0\]: expected four numbers, got None"),
    ([[1, 2, 3, 4], [1, 2, 3, NAN]], r"truth\[1\]: expected finite numbers"),
    (np.array([[1, 2, NAN, 4]]), r"truth\[0\]: expected finite numbers"),
    ([[1, 2, 3, 4], [3, 2, 1, 4]], r"truth\[1\]: expected x1 < x2"),
    ([{"bbox": [1, 2, 3, 4]}], r"truth\[0\]: expected four numbers"),
    ({"boxes": [[1, 2, 3, 4]], "labels": ["a", "b"]}, "truth labels: expected a list of 1"),
    ({"boxes": [[1, 2, 3, 4]], "labels": np.array([""])}, r"truth labels\[0\]: expected a name"),
    ({"boxes": [[1, 2, 3, 4]], "labels": [None]}, r"truth labels\[0\]: expected a name"),
    ({"boxes": [[1, 2, 3, 4]]}, "truth: expected 'labels'"),
]
BAD_BOX: list[tuple[object, str]] = [
    (None, "truth: expected one box"),
    ([], "truth: expected one box"),
    ([1, 2, 3], "truth: expected one box"),
    ([[1, 2, 3, 4], [1, 2, 3, 4]], "truth: expected one box"),
    (["1", 2, 3, 4], "truth: expected one box"),
    ([1, 2, NAN, 4], "finite numbers"),
    ([3, 2, 1, 4], "x1 < x2"),
    ({"box": [1, 2, 3, 4], "polygn": []}, "got box, polygn"),
    ({"box": [1, 2, 3, 4], "points": [[1, 2], [1, NAN]]}, r"truth points\[1\]: expected finite numbers"),
    ({"box": [1, 2, 3, 4], "polygon": [[1, 2], [3, 4]]}, "truth polygon: expected"),
    ({"box": [1, 2, 3, 4], "polygon": [[1, 1], [2, 2], [3, 3]]}, "polygon has no area"),
    ({"box": [1, 2, 3, 4], "polygon": [[1, 1], [9, 9], [1, 1], [5, 2]]}, "polygon has no area"),
]
BAD_LABELS: list[tuple[object, str]] = [(value, "truth: ") for value in (None, 5, "", "...", ["rose"], "tulip")]


@pytest.mark.parametrize(
    ("reward", "good", "truth", "message"),
    [
        *((DetectionReward(), [], *case) for case in BAD_BOXES),
        *((GroundingReward(point_weight=1.0), [1, 2, 3, 4], *case) for case in BAD_BOX),
        *((ClassificationReward(["rose", "lily"]), "rose", *case) for case in BAD_LABELS),
        *((WeightedReward({"a": DetectionReward(), "b": RepetitionReward()}), [], *case) for case in BAD_BOXES),
    ],
)
def test_bad_truth_is_refused_whatever_the_completion_is(reward: Reward, good: Any, truth: Any, message: str) -> None:
    for completion in ("", SAY.format("No Objects"), SAY.format("[1, 2, 30, 40]"), SAY.format("(3, 3)"), None):
        with pytest.raises(ValueError, match=message):
            reward.score(completion, truth)
    with pytest.raises(ValueError, match=r"^truths\[1\]"):
        reward.score_batch(["", ""], [good, truth])
