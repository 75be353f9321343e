"""Length, repetition, overlong, and sums of rewards."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from vrft_rewards import DetectionReward, LengthReward, OverlongReward, RepetitionReward, Reward, WeightedReward

GOOD = "<think>I look.</think><answer>[{'Position': [1, 2, 30, 40], 'Confidence': 1}]</answer>"
SHAPES = [LengthReward(5, 10), LengthReward(0, 3, "characters"), RepetitionReward(2), OverlongReward(20, 5)]


@pytest.mark.parametrize("reward", SHAPES)
@pytest.mark.parametrize("text", ["", " ", "word", "a b " * 50, "x" * 100_000, None, GOOD])
def test_bounds_and_reasons(reward: Reward, text: object) -> None:
    score = pickle.loads(pickle.dumps(reward)).score(text, None)
    assert reward.bounds[0] <= score.value <= reward.bounds[1]
    assert score.reason
    assert reward.score_batch([text], [None])[0] == score


def test_overlong_is_daposs_line() -> None:
    reward = OverlongReward(limit=100, buffer=20, unit=len)
    lengths = [0, 80, 85, 90, 100, 101, 500]
    assert [reward.score("x" * n).value for n in lengths] == [0, 0, -0.25, -0.5, -1, -1, -1]


def test_repetition_counts_what_was_said_before() -> None:
    assert RepetitionReward(1).score("one two three").value == 0
    assert RepetitionReward(3).score("the same " * 200).value == pytest.approx(-396 / 398)
    assert RepetitionReward(4).score("too short").value == 0


def test_a_sum_keeps_its_parts() -> None:
    reward = WeightedReward(
        {"boxes": DetectionReward(format_weight=0.5), "again": RepetitionReward(1), "size": OverlongReward(4, 2)},
        {"boxes": 2.0, "again": 0.25},
    )
    score = pickle.loads(pickle.dumps(reward)).score(GOOD, [[1, 2, 30, 40]])
    assert reward.bounds == (-1.25, 5.0)
    assert list(score.parts) == ["boxes.iou", "boxes.confidence", "boxes.format", "again.repetition", "size.overlong"]
    assert score.value == pytest.approx(sum(w * p for w, p in zip(reward.weights, score.parts.values(), strict=True)))
    assert score.value == 5.0 - 1.0
    assert "boxes: 1 of 1" in score.reason
    batch = reward.score_batch([GOOD, ""], [[[1, 2, 30, 40]], []])
    np.testing.assert_array_equal(batch.values, [score.value, reward.score("", []).value])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LengthReward(5, 2), "low, high"),
        (lambda: LengthReward(-1, 2), "low"),
        (lambda: LengthReward(0, 2, "tokens"), "unit"),  # type: ignore[arg-type]
        (lambda: RepetitionReward(0), "ngram"),
        (lambda: RepetitionReward(101), "ngram"),
        (lambda: OverlongReward(5, 6), "buffer"),
        (lambda: WeightedReward({}), "rewards"),
        (lambda: WeightedReward({"a": 5}), r"rewards\['a'\]"),  # type: ignore[dict-item]
        (lambda: WeightedReward({"a": RepetitionReward()}, {"b": 1}), r"weights\['b'\]"),
        (lambda: WeightedReward({"a": RepetitionReward()}, {"a": -1}), r"weights\['a'\]"),
        (lambda: WeightedReward({"a": RepetitionReward()}, {"a": float("nan")}), r"weights\['a'\]"),
    ],
)
def test_bad_configuration(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_reward_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Reward()  # type: ignore[abstract]
