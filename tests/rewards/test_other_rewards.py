"""ClassificationReward, GroundingReward, Score, group_advantages and completion_text."""

# ruff: noqa: E501 (a table reads best with one case a line)
from __future__ import annotations

import pickle

import numpy as np
import pytest

from vrft_rewards import (
    PROFILES,
    ClassificationReward,
    GroundingReward,
    Score,
    completion_text,
    group_advantages,
)

LABELS = ["pink primrose", "rose", "desert-rose", "garden phlox"]


def say(answer: str) -> str:
    return f"<think>I look at it.</think><answer>{answer}</answer>"


@pytest.mark.parametrize("profile", list(PROFILES))
def test_right_label(profile: str) -> None:
    reward = ClassificationReward(LABELS, profile=profile)
    score = reward.score(say("pink primrose"), "pink primrose")
    assert (score.value, dict(score.parts)) == (2.0, {"accuracy": 1.0, "format": 1.0})
    assert reward.bounds == (0.0, 2.0)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("rose", "answered 'rose'"),
        ("", "no answer"),
        ("p", "no label is named"),
        (", ".join(LABELS), "ambiguous"),
        ("not a pink primrose", "negated"),
        ("tulip", "no label is named"),
    ],
)
def test_wrong_labels_say_why(answer: str, words: str) -> None:
    score = ClassificationReward(LABELS).score(say(answer), "pink primrose")
    assert score.parts["accuracy"] == 0
    assert words in score.reason


def test_a_label_in_the_thinking_never_counts() -> None:
    text = "<think>It is a pink primrose.</think><answer>rose</answer>"
    assert ClassificationReward(LABELS).score(text, "pink primrose").parts["accuracy"] == 0
    assert ClassificationReward(LABELS).score("<think>pink primrose</think>", "pink primrose").value == 0


def test_aliases_count_for_answer_and_truth() -> None:
    reward = ClassificationReward(LABELS, {"garden phlox": ["Phlox paniculata"]})
    assert reward.score(say("Phlox paniculata"), "garden phlox").parts["accuracy"] == 1
    assert reward.score(say("garden phlox"), "phlox paniculata").parts["accuracy"] == 1


def test_without_labels_the_whole_answer_has_to_be_the_truth() -> None:
    reward = ClassificationReward()
    assert reward.score(say("Pink Primrose"), "pink primrose").parts["accuracy"] == 1
    assert reward.score(say("rose, pink primrose"), "pink primrose").parts["accuracy"] == 0


def test_containment_is_the_released_rule() -> None:
    reward = ClassificationReward(LABELS, profile="visual-rft")
    assert reward.score(say("it is a Pink_Primrose"), "pink primrose").parts["accuracy"] == 1
    assert reward.score(say("rose"), "pink primrose").parts["accuracy"] == 1
    assert reward.score(say(" "), "pink primrose").parts["accuracy"] == 0


@pytest.mark.parametrize("truth", ["tulip", "", None, 5, ["rose"]])
def test_bad_truth_label(truth: object) -> None:
    with pytest.raises(ValueError, match="truth"):
        ClassificationReward(LABELS).score(say("rose"), truth)


def test_bad_labels() -> None:
    with pytest.raises(ValueError, match="labels: the list is empty"):
        ClassificationReward([])
    with pytest.raises(ValueError, match="aliases: need labels"):
        ClassificationReward(None, {"rose": ["rosa"]})


@pytest.mark.parametrize(
    ("profile", "answer", "giou"),
    [
        ("default", "(0,0),(100,100)", 1.0),
        ("default", "(200,0),(300,100)", (1 - 1 / 3) / 2),
        ("visual-rft", "(0,0),(100,100)", 2.0),
        ("visual-rft", "(200,0),(300,100)", 1 - 1 / 3),
        ("visual-rft", "(100,100),(0,0)", 0.0),
        ("default", "{'bbox_2d': [0.0, 0.0, 100.0, 100.0]}", 1.0),
        ("default", "(0,0),(100,100) or (200,0),(300,100)", 1.0),
        ("default", "nowhere", 0.0),
        ("default", "No Objects", 0.0),
    ],
)
def test_grounding(profile: str, answer: str, giou: float) -> None:
    reward = GroundingReward(profile)
    score = reward.score(say(answer), [0, 0, 100, 100])
    assert score.parts["giou"] == pytest.approx(giou)
    assert reward.score(say("(0,0),(100,100)"), [[0, 0, 100, 100]]).value == reward.bounds[1]
    assert score.reason


def test_grounding_bounds() -> None:
    assert GroundingReward().bounds == (0.0, 2.0)
    assert GroundingReward("visual-rft").bounds == (0.0, 3.0)
    assert GroundingReward(giou_scale="clipped").score(say("(200,0),(300,100)"), [0, 0, 100, 100]).parts["giou"] == 0


@pytest.mark.parametrize(
    "truth", [[], [[0, 0, 1, 1], [0, 0, 2, 2]], [0, 0, 1], "x", None, [5, 0, 1, 1], [0, 0, 1, np.inf]]
)
def test_bad_truth_box(truth: object) -> None:
    with pytest.raises(ValueError, match="truth"):
        GroundingReward().score(say("(0,0),(1,1)"), truth)


def test_score_batch_is_score() -> None:
    reward = ClassificationReward(LABELS)
    answers = [say("rose"), say("tulip"), ""]
    batch = reward.score_batch(answers, ["rose"] * 3)
    assert batch.values.tolist() == [2.0, 1.0, 0.0]
    assert batch.parts["accuracy"].tolist() == [1.0, 0.0, 0.0]
    assert [batch[index] for index in range(3)] == [reward.score(answer, "rose") for answer in answers]
    assert len(reward.score_batch([], [])) == 0


def test_score_pickles() -> None:
    score = Score(1.0, {"a": 1.0}, "why")
    assert pickle.loads(pickle.dumps(score)) == score
    assert float(score) == 1.0


def test_group_advantages() -> None:
    rewards = [0.0, 1.0, 2.0, 3.0, 0.1, 0.1, 0.1, 0.1]
    std = group_advantages(rewards, 4)
    assert std[:4].mean() == pytest.approx(0)
    assert std[:4].std() == pytest.approx(1)
    assert std[4:].tolist() == [0, 0, 0, 0]
    assert group_advantages(rewards, 4, "mean").tolist()[:4] == [-1.5, -0.5, 0.5, 1.5]
    assert group_advantages(rewards, 4, "leave-one-out").tolist()[:4] == [
        -2.0,
        pytest.approx(-2 / 3),
        pytest.approx(2 / 3),
        2.0,
    ]
    assert group_advantages([5.0], 1, "leave-one-out").tolist() == [0.0]
    assert group_advantages([], 4).tolist() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2, 3], 2), "group_size"),
        (([1, 2], 0), "group_size"),
        (([1, float("nan")], 2), r"rewards\[1\]"),
        (([1, 2], 2, "median"), "method"),
    ],
)
def test_bad_groups(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        group_advantages(*arguments)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("a", "a"),
        ([], ""),
        (None, ""),
        (5, ""),
        (b"a", ""),
        ({"role": "assistant", "content": "a"}, "a"),
        ([{"role": "assistant", "content": "a"}], "a"),
        ([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "tool", "content": "t"}], "a"),
        ([{"content": "a"}, {"content": "b"}], "b"),
        ([{"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]}], "ab"),
        ([{"type": "text", "text": "a"}], "a"),
        ([{"role": "assistant", "content": None}], ""),
        ([None, 5, ["x"]], ""),
        (["a", "b"], "ab"),
    ],
)  # fmt: skip
def test_completion_text(completion: object, text: str) -> None:
    assert completion_text(completion) == text
