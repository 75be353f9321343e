"""Judging all answers at once gives what reading, matching and paying them one by one gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vrft_eval.backends import Answer
from vrft_eval.samples import Sample
from vrft_eval.tasks import Reading
from vrft_eval.tasks.base import clip_boxes
from vrft_eval.tasks.detection_judging import judge_detections
from vrft_rewards import (
    PROFILES,
    DetectionReward,
    match_boxes,
    parse_detections,
    parse_response,
    smart_resize,
    to_pixels,
)

HOSTILE = [
    "",
    "no tags at all",
    "<answer>" * 50,
    "<think>a</think><answer>[[nan, 1e999, 3, 4]]</answer>",
    "<think>a</think><answer>No Objects</answer>",
    "<think>a</think><answer>[{'Position': [900, 900, 100, 100], 'Confidence': 0.5}]</answer>",
    "<think>a</think><answer>[{'Position': [-50, 0, 5000, 70], 'Confidence': 7}]</answer>",
    "<think>a</think><answer>first</answer><answer>[{'bbox_2d': [1, 2, 30, 40]}]</answer>",
    "<think>a</think><answer>" + "[1, 2, 30, 40], " * 1200 + "</answer>",
]


def _cases(space: str, count: int = 60) -> tuple[list[Sample], list[Answer | None]]:
    rng = np.random.default_rng(5)
    samples: list[Sample] = []
    answers: list[Answer | None] = []
    for number in range(count):
        size = (int(rng.integers(40, 900)), int(rng.integers(40, 900)))
        if number % 7 == 0:
            size = (1000, 1000)
        corners = np.sort(rng.uniform(0, 1, (int(rng.integers(0, 6)), 2, 2)), axis=1).reshape(-1, 4)
        truth = corners[(corners[:, 2:] - corners[:, :2] > 0.02).all(axis=1)] * np.array([*size, *size])
        samples.append(
            Sample(
                id=f"{number}:1",
                image=Path("a.png"),
                image_size=size,
                prompt="",
                kind="detection",
                truth=truth,
                category="cat",
                image_id=number,
                category_id=1,
            )
        )
        whole = {"norm1000": (1000, 1000), "norm1": (1, 1), "pixels": size, "pixels-resized": smart_resize(size)}[space]
        near = np.repeat(truth, 2, axis=0) + rng.normal(0, 8, (2 * len(truth), 4))
        guess = near / np.array([*size, *size]) * np.array([*whole, *whole])
        boxes = ", ".join(
            f"{{'Position': {[round(float(v), 4) for v in row]}, 'Confidence': {round(float(rng.random()), 1)}}}"
            for row in guess
        )
        text = HOSTILE[number % len(HOSTILE)] if number % 3 == 0 else f"<think>a</think><answer>[{boxes}]</answer>"
        answers.append(None if number == 4 else Answer(f"{number}:1", None if number == 5 else text, "failed"))
    return samples, answers


@pytest.mark.parametrize("profile", list(PROFILES))
@pytest.mark.parametrize("space", ["norm1000", "norm1", "pixels", "pixels-resized"])
def test_all_at_once_is_one_by_one(space: Any, profile: str) -> None:
    samples, answers = _cases(space)
    reward = DetectionReward(profile, space=space, truth_space="pixels")
    judged = judge_detections(samples, answers, Reading(space=space, profile=profile))
    matched = 0
    for place, (sample, answer, item) in enumerate(zip(samples, answers, judged, strict=True)):
        text = "" if answer is None or answer.completion is None else answer.completion
        response, seen = parse_response(text), smart_resize(sample.size)
        found = parse_detections(response.answer, space, sample.size, resized_size=seen)
        boxes = clip_boxes(to_pixels(found.boxes, space, sample.size, seen), sample.size)
        matching = match_boxes(boxes, found.scores, sample.boxes)
        assert item.response == response
        assert (item.status, item.issues) == (str(found.status), found.issues)
        assert (item.boxes == boxes).all()
        assert (item.scores == found.scores).all()
        assert (item.ious == matching.iou).all()
        score = reward.score(text, sample.boxes, sample.size)
        assert item.score == score
        assert judged.rewards[place] == score.value
        assert {key: column[place] for key, column in judged.parts.items()} == score.parts
        assert (judged.statuses[place], judged.well_formed[place]) == (item.status, response.well_formed)
        everything = not matching.missed and not matching.wrong
        expected = "right" if everything and (matching.hits or str(found.status) == "no_objects") else "wrong"
        if answer is None or answer.completion is None:
            expected = "unanswered" if answer is None else "failed"
        elif expected == "wrong" and matching.hits:
            expected = "partly"
        assert item.outcome == expected
        matched += matching.hits
    assert matched > 20
    assert {item.outcome for item in judged} == {"right", "partly", "wrong", "unanswered", "failed"}


def test_boxes_on_a_grid_whose_overlaps_are_equal_go_to_the_first_true_box() -> None:
    rng = np.random.default_rng(3)
    samples: list[Sample] = []
    answers, rewards, matchings = [], [], []
    for number in range(400):
        grids = (np.sort(rng.integers(0, 7, (count, 2, 2)), axis=1).reshape(-1, 4) for count in rng.integers(1, 7, 2))
        truth, found = (100 * grid[(grid[:, :2] < grid[:, 2:]).all(axis=1)].astype(np.float64) for grid in grids)
        scores = rng.integers(0, 3, len(found)) / 2
        rows = zip(found.astype(int).tolist(), scores.tolist(), strict=True)
        boxes = ", ".join(f"{{'Position': {box}, 'Confidence': {score}}}" for box, score in rows)
        text = f"<think>a</think><answer>[{boxes}]</answer>"
        samples.append(Sample(f"{number}:1", Path("a.png"), (1000, 1000), "", "detection", truth))
        answers.append(Answer(samples[-1].id, text))
        rewards.append(DetectionReward().score(text, truth))
        matchings.append(match_boxes(found, scores, truth))
    judged = judge_detections(samples, answers, Reading())
    assert [item.ious.tolist() for item in judged] == [matching.iou.tolist() for matching in matchings]
    for key, column in judged.parts.items():
        assert column == [reward.parts[key] for reward in rewards]
    assert judged.rewards == [reward.value for reward in rewards]


def test_nothing_to_judge_is_nothing() -> None:
    judged = judge_detections([], [], Reading())
    assert (list(judged), list(judged.parts.values())) == ([], [[], [], []])
