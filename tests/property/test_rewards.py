"""Properties of the reward SDK that hold for any text and any boxes."""

# ruff: noqa: E501 (a table reads best with one case a line)
from __future__ import annotations

import math
import pickle
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vrft_rewards import (
    PROFILES,
    ClassificationReward,
    DetectionReward,
    GroundingReward,
    LabelMatcher,
    Reward,
    Status,
    box_giou,
    box_iou,
    match_boxes,
    parse_box,
    parse_detections,
    parse_label,
    parse_response,
    visual_rft_format,
)

FRAGMENTS = [
    "<think>", "</think>", "<answer>", "</answer>", "< Answer >", "[", "]", "(", ")", "{", "}", ",", ":", "'", '"', "\\", "\\n", "\n", " ",
    "Position", "Confidence", "bbox_2d", "label", "x1", "y1", "x2", "y2", "0", "1", "12", "999", "-5", "0.5", "1e3", "1e999", "nan",
    "inf", "...", "%", "No Objects", "None", "not", "rose", "desert-rose", "lily", "<box>", "</box>", "<|box_start|>", "<|box_end|>", "```json",
    "[10, 20, 300, 400]", "{'Position': [10, 20, 300, 400], 'Confidence': 0.5}", "(1,2),(30,40)", "１", "\ud800", "\0", "é",
]  # fmt: skip
hostile = st.one_of(
    st.text(st.characters(), max_size=60),
    st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join),
)
LABELS = ["rose", "desert-rose", "tiger lily", "146-200", "146-300"]
REWARDS: list[tuple[Reward, object]] = [
    *((DetectionReward(name), [[10, 20, 300, 400]]) for name in PROFILES),
    *((DetectionReward(name, matching="optimal"), []) for name in PROFILES),
    *((GroundingReward(name), [10, 20, 300, 400]) for name in PROFILES),
    *((ClassificationReward(LABELS, profile=name), "rose") for name in PROFILES),
    (ClassificationReward(), "rose"),
]


@st.composite
def box_lists(draw: st.DrawFn, least: int = 0, most: int = 8) -> list[list[int]]:
    boxes = []
    for _ in range(draw(st.integers(least, most))):
        x, y = draw(st.integers(0, 900)), draw(st.integers(0, 900))
        boxes.append([x, y, draw(st.integers(x + 1, 1000)), draw(st.integers(y + 1, 1000))])
    return boxes


confidences = st.integers(0, 100).map(lambda value: value / 100)


def say(boxes: list[list[int]], scores: list[float]) -> str:
    items = ", ".join(f"{{'Position': {box}, 'Confidence': {score}}}" for box, score in zip(boxes, scores, strict=True))
    return f"<think>a</think><answer>[{items}]</answer>"


@given(hostile)
def test_parsers_are_total(text: str) -> None:
    response = parse_response(text)
    assert response.well_formed == (not response.issues)
    for answer in (text, response.answer):
        found = parse_detections(answer)
        assert found.boxes.shape == (len(found), 4)
        assert np.isfinite(found.boxes).all()
        assert ((found.boxes >= 0) & (found.boxes <= 1000)).all()
        assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
        assert ((found.scores >= 0) & (found.scores <= 1)).all()
        assert (found.status is Status.BOXES) == (len(found) > 0)
        assert found.issues or found.status is not Status.UNPARSABLE
        assert all(len(issue.text) <= 80 for issue in found.issues)
        parse_box(answer)
        parse_label(answer)
    for span, part in ((response.think_span, response.think), (response.answer_span, response.answer)):
        assert (span is None) == (part is None)
        assert span is None or text[slice(*span)] == part


@given(st.lists(hostile, min_size=1, max_size=3))
@settings(max_examples=60)
def test_rewards_are_total_bounded_and_the_same_in_batches(texts: list[str]) -> None:
    for reward, truth in REWARDS:
        scores = [reward.score(text, truth) for text in texts]
        batch = reward.score_batch(texts, [truth] * len(texts))
        for index, score in enumerate(scores):
            assert math.isfinite(score.value)
            assert reward.bounds[0] <= score.value <= reward.bounds[1]
            assert tuple(score.parts) == reward.keys == tuple(batch.parts)
            assert score.reason
            assert batch[index] == score
        again = pickle.loads(pickle.dumps(reward))
        assert [again.score(text, truth) for text in texts] == scores


@given(
    st.lists(
        st.sampled_from(["<think>", "</think>", "<answer>", "</answer>", "a", " ", "\n", "\u00a0", "<", "THINK"]),
        max_size=9,
    ).map("".join)
)
@settings(max_examples=500)
def test_visual_rft_format_is_the_full_match(text: str) -> None:
    expected = re.fullmatch(r"<think>.*?</think>\s*<answer>.*?</answer>", text, re.DOTALL) is not None
    assert visual_rft_format(text) is expected


@given(st.text("ab\n \u2028", max_size=20), st.text("ab\n ", max_size=20), st.text(" \n\t", max_size=3))
def test_well_formed_responses_come_apart_as_they_were_put_together(think: str, answer: str, between: str) -> None:
    response = parse_response(f"<think>{think}</think>{between}<answer>{answer}</answer>")
    assert (response.think, response.answer) == (think, answer)
    assert response.well_formed == bool(think.strip() and answer.strip())


@given(box_lists(1), st.data(), st.sampled_from(["python", "json", "broken"]))
def test_what_was_written_is_what_is_read(boxes: list[list[int]], data: st.DataObject, style: str) -> None:
    scores = data.draw(st.lists(confidences, min_size=len(boxes), max_size=len(boxes)))
    items = [f"{{'Position': {box}, 'Confidence': {score}}}" for box, score in zip(boxes, scores, strict=True)]
    answer = "[" + ", ".join(items) + "]"
    if style == "json":
        answer = answer.replace("'", '"')
    if style == "broken":
        answer = "[" + "], ".join(items) + "}]] ..., {'Position': [1, 2"
    found = parse_detections(answer)
    assert found.boxes.tolist() == boxes
    assert found.scores.tolist() == scores


@given(box_lists(1), st.data())
def test_a_list_cut_off_anywhere_keeps_its_whole_boxes(boxes: list[list[int]], data: st.DataObject) -> None:
    answer = str(boxes)
    cut = data.draw(st.integers(0, len(answer)))
    whole = answer[1:cut].count("]") if cut < len(answer) else len(boxes)
    assert parse_detections(answer[:cut]).boxes.tolist() == boxes[:whole]


@given(box_lists(), box_lists())
def test_geometry(a: list[list[int]], b: list[list[int]]) -> None:
    iou, giou = box_iou(a, b), box_giou(a, b)
    assert iou.shape == giou.shape == (len(a), len(b))
    assert ((iou >= 0) & (iou <= 1)).all()
    assert ((giou >= -1) & (giou <= iou + 1e-12)).all()
    np.testing.assert_array_equal(iou, box_iou(b, a).T)
    scale = np.array([0.64, 0.48, 0.64, 0.48])
    scaled = box_iou(np.array(a).reshape(-1, 4) * scale, np.array(b).reshape(-1, 4) * scale)
    np.testing.assert_allclose(iou, scaled, atol=1e-12)


@given(box_lists(), box_lists(), st.data(), st.sampled_from(["greedy", "optimal"]))
@settings(deadline=None)  # the first optimal matching imports scipy
def test_matching_is_one_to_one(
    boxes: list[list[int]], truth: list[list[int]], data: st.DataObject, method: str
) -> None:
    scores = data.draw(st.lists(confidences, min_size=len(boxes), max_size=len(boxes)))
    matching = match_boxes(boxes, scores, truth, 0.3, method)  # type: ignore[arg-type]
    matched = matching.truth_of[matching.truth_of >= 0].tolist()
    assert len(set(matched)) == len(matched) == matching.hits
    assert matching.hits + matching.missed == len(truth)
    if method == "greedy":
        best = match_boxes(boxes, scores, truth, 0.3, "optimal")
        assert best.iou.sum() >= matching.iou.sum() - 1e-9


@pytest.mark.parametrize("profile", list(PROFILES))
@given(boxes=box_lists(2), truth=box_lists(), data=st.data())
@settings(max_examples=60)
def test_order_of_boxes_does_not_matter(
    profile: str, boxes: list[list[int]], truth: list[list[int]], data: st.DataObject
) -> None:
    scores = data.draw(st.lists(confidences, min_size=len(boxes), max_size=len(boxes), unique=True))
    order = data.draw(st.permutations(range(len(boxes))))
    reward = DetectionReward(profile)
    if profile == "visual-rft":  # of equal boxes the first is kept, whatever its confidence
        boxes = [list(box) for box in dict.fromkeys(map(tuple, boxes))]
        order = [index for index in order if index < len(boxes)]
        scores = scores[: len(boxes)]
    one = reward.score(say(boxes, scores), truth)
    other = reward.score(say([boxes[i] for i in order], [scores[i] for i in order]), truth)
    assert one.value == pytest.approx(other.value, abs=1e-12)


@pytest.mark.parametrize("profile", ["default", "visual-rft", "paper"])
@given(boxes=box_lists(), truth=box_lists(1), wrong=box_lists(1, 1), data=st.data())
@settings(max_examples=60)
def test_a_wrong_box_never_raises_the_iou_part(
    profile: str, boxes: list[list[int]], truth: list[list[int]], wrong: list[list[int]], data: st.DataObject
) -> None:
    # Wrong: it overlaps no true box enough.
    if box_iou(wrong, truth).max() >= 0.5:
        return
    scores = data.draw(st.lists(confidences, min_size=len(boxes) + 1, max_size=len(boxes) + 1))
    reward = DetectionReward(profile)
    before = reward.score(say(boxes, scores[:-1]), truth).parts["iou"] if boxes else 0.0
    after = reward.score(say(boxes + wrong, scores), truth).parts["iou"]
    assert after <= before
    if profile == "default" and before:
        assert after < before


@given(box_lists(1), st.integers(1, 5))
def test_a_missed_box_always_costs_in_the_default_profile(truth: list[list[int]], missed: int) -> None:
    truth = [list(box) for box in dict.fromkeys(map(tuple, truth))]
    kept = truth[: max(0, len(truth) - missed)]
    full = DetectionReward().score(say(truth, [1.0] * len(truth)), truth)
    less = DetectionReward().score(say(kept, [1.0] * len(kept)), truth)
    assert full.value == 3.0
    assert less.value < full.value


@given(st.integers(1, 6), st.integers(0, 6), st.data())
def test_stating_the_truth_about_each_box_is_best(boxes: int, missed: int, data: st.DataObject) -> None:
    """Whatever the other boxes are, confidence 1 on a hit and 0 on a miss can't be bettered."""
    rows = [[10 * n, 0, 10 * n + 9, 9] for n in range(boxes)]
    hits = data.draw(st.lists(st.booleans(), min_size=boxes, max_size=boxes))
    truth = [row for row, hit in zip(rows, hits, strict=True) if hit] + [
        [10 * n, 500, 10 * n + 9, 509] for n in range(missed)
    ]
    scores = data.draw(st.lists(confidences, min_size=boxes, max_size=boxes))
    honest = DetectionReward().score(say(rows, [float(hit) for hit in hits]), truth).parts["confidence"]
    assert DetectionReward().score(say(rows, scores), truth).parts["confidence"] <= honest + 1e-12


@given(st.integers(0, 5), st.lists(confidences, min_size=1, max_size=30))
def test_only_wrong_boxes_earn_at_most_the_calibration_share(missed: int, scores: list[float]) -> None:
    truth = [[10 * n, 500, 10 * n + 9, 509] for n in range(missed)]
    wrong = [[10 * n, 0, 10 * n + 9, 9] for n in range(len(scores))]
    paid = DetectionReward().score(say(wrong, scores), truth).parts["confidence"]
    assert paid <= 0.5 * min(1.0, max(missed, 1) / len(scores)) + 1e-12


@given(hostile)
def test_labels_of_any_text(text: str) -> None:
    match = LabelMatcher(LABELS).match(text)
    assert match.label is None or match.label in LABELS
    assert match.reason
    assert 0 <= match.similarity <= 100


@given(st.permutations(LABELS), st.sampled_from(LABELS))
def test_order_of_the_list_of_labels_does_not_matter(labels: list[str], label: str) -> None:
    assert LabelMatcher(labels).match(f"a {label}") == LabelMatcher(LABELS).match(f"a {label}")


@given(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=40).map(lambda values: values[: len(values) // 4 * 4]))
def test_advantages_are_finite_and_balanced(rewards: list[float]) -> None:
    from vrft_rewards import group_advantages

    for method in ("std", "mean", "leave-one-out"):
        advantages = group_advantages(rewards, 4, method)
        assert np.isfinite(advantages).all()
        assert np.abs(advantages.reshape(-1, 4).sum(axis=1)).max() <= 1e-5 * max(1.0, np.abs(rewards).max())
    shifted = group_advantages([value * 2 for value in rewards], 4)
    pairs = list(pairwise(shifted))
    assert all(math.isfinite(a) and math.isfinite(b) for a, b in pairs)
