"""Real answers of Qwen2-VL and Qwen2.5-VL from public Visual-RFT logs, against an independent look at them."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from vrft_rewards import PROFILES, DetectionReward, Status, parse_detections, parse_response

NUMBER = r"\s*-?\d+(?:\.\d+)?\s*"
FOUR_NUMBERS = re.compile(r"[\[(]" + ",".join([NUMBER] * 4) + r"[\])]")


def _data() -> Path:
    """Return the completions: under $VRFT_TEST_DATA, or beside the checkout in shared/data."""
    root = os.environ.get("VRFT_TEST_DATA")
    folder = Path(root) if root else Path(__file__).resolve().parents[3] / "shared" / "data"
    return folder / "completions" / "real_completions.jsonl"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    path = _data()
    if not path.is_file():
        pytest.skip(f"no real completions at {path.name}: set VRFT_TEST_DATA to the folder that holds completions/")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def intact_boxes(completion: str) -> list[list[float]]:
    """Find four comma-separated numbers in brackets in the answer, by a plain regex; valid boxes only."""
    match = re.search(r"<answer>(.*?)(?:</answer>|$)", completion, re.DOTALL)
    if match is None:
        return []
    found = [[float(number) for number in box[1:-1].split(",")] for box in FOUR_NUMBERS.findall(match.group(1))]
    return [box for box in found if box[0] < box[2] and box[1] < box[3]]


def test_intact_boxes_are_given(rows: list[dict[str, Any]]) -> None:
    holding = given = complete = 0
    for row in rows:
        expected = intact_boxes(row["completion"])
        if expected:
            found = parse_detections(parse_response(row["completion"]).answer, row["space"], out_of_range="keep")
            holding += 1
            given += bool(len(found))
            complete += found.boxes.tolist() == expected
    # At least 99 % is asked for; these answers are what they are, so the numbers on the page are exact.
    assert (holding, given, complete) == (2483, 2483, 2483)


def test_what_becomes_of_all_of_them(rows: list[dict[str, Any]]) -> None:
    """The table in docs/rewards.md."""
    found = [parse_detections(parse_response(row["completion"]).answer, row["space"]) for row in rows]
    statuses = Counter(str(item.status) for item in found)
    assert sum(statuses.values()) == len(rows)
    # Nothing is dropped in silence: an answer without boxes says that there are none, or says why.
    assert all(item.issues for item in found if item.status is Status.UNPARSABLE)
    assert statuses == {"boxes": 2484, "no_objects": 237, "missing": 36, "unparsable": 34}
    assert sum(map(len, found)) == 4216
    reasons = [{str(issue.kind) for issue in item.issues} for item in found if item.status is Status.UNPARSABLE]
    firsts = Counter(
        next((kind for kind in ("inverted", "truncated", "not_a_box") if kind in kinds), "words") for kinds in reasons
    )
    assert firsts == {"inverted": 22, "truncated": 4, "not_a_box": 2, "words": 6}
    cut = [item for item in found if item.status is Status.BOXES and "truncated" in {str(i.kind) for i in item.issues}]
    silent = [item for item in found if "confidence_missing" in {str(issue.kind) for issue in item.issues}]
    assert (len(cut), len(silent)) == (43, 87)
    assert sum(parse_response(row["completion"]).well_formed for row in rows) == 2648


def test_upstreams_own_training_truth_is_read(rows: list[dict[str, Any]]) -> None:
    """The training set's truth is written in the same dialect, so it has to give boxes or No Objects."""
    for row in rows:
        if row["ground_truth"] is not None:
            found = parse_detections(parse_response(row["ground_truth"]).answer, row["space"])
            assert found.status in (Status.BOXES, Status.NO_OBJECTS), row["ground_truth"]


@pytest.mark.parametrize("profile", list(PROFILES))
def test_every_reward_is_finite_and_within_bounds(rows: list[dict[str, Any]], profile: str) -> None:
    reward = DetectionReward(profile)
    low, high = reward.bounds
    batch = reward.score_batch([row["completion"] for row in rows], [[[100, 100, 400, 400]]] * len(rows))
    assert ((batch.values >= low) & (batch.values <= high)).all()
    assert all(batch.reasons)
