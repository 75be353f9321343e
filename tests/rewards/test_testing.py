"""vrft_rewards.testing: the strategies give what they promise, and the page about them runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from vrft_rewards import (
    ClassificationReward,
    DetectionReward,
    GroundingReward,
    LabelMatcher,
    Status,
    box_iou,
    parse_detections,
    parse_response,
)
from vrft_rewards.audit import LABELS
from vrft_rewards.testing import (
    Answer,
    Said,
    WrittenResponse,
    box_hits,
    box_misses,
    boxes,
    broken_responses,
    detections,
    hostile_text,
    label_answers,
    label_misses,
    responses,
)

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


@given(boxes(640, 480, 3))
def test_boxes_are_valid(box: tuple[int, int, int, int]) -> None:
    assert 0 <= box[0] <= box[2] - 3 <= 637
    assert 0 <= box[1] <= box[3] - 3 <= 477


@given(boxes(least_side=4), st.sampled_from([0.5, 0.75]), st.data())
def test_hits_hit_and_misses_nearly_do(box: tuple[int, int, int, int], threshold: float, data: st.DataObject) -> None:
    hit, miss = data.draw(box_hits(box, threshold)), data.draw(box_misses(box, threshold))
    assert box_iou([box], [hit])[0, 0] >= threshold - 1e-12
    assert threshold / 2 - 1e-12 <= box_iou([box], [miss])[0, 0] < threshold


@given(detections())
def test_answers_hold_what_they_say(answer: Answer) -> None:
    found = parse_detections(answer.text)
    assert found.boxes.tolist() == [list(box) for box in answer.boxes]
    assert found.scores.tolist() == [1.0 if value is None else value for value in answer.confidences]
    assert (found.status is Status.NO_OBJECTS) == (not answer.boxes)


@given(responses(detections().map(lambda answer: answer.text)))
def test_responses_are_well_formed(response: WrittenResponse) -> None:
    parsed = parse_response(response.text)
    assert parsed.well_formed
    assert (parsed.think, parsed.answer) == (response.think, response.answer)


@given(hostile_text() | broken_responses(st.just("[1, 2, 30, 40]")))
@settings(max_examples=50)
def test_rewards_take_anything(text: str) -> None:
    for reward, truth in (
        (DetectionReward(), [[1, 2, 30, 40]]),
        (GroundingReward(), [1, 2, 30, 40]),
        (ClassificationReward(["rose", "lily"]), "rose"),
    ):
        assert reward.bounds[0] <= reward.score(text, truth).value <= reward.bounds[1]


def test_hostile_text_is_hostile() -> None:
    for found in ("\ud800", "<answer><answer>", "NaN", "１２", "[" * 50):

        def holds(text: str, found: str = found) -> bool:
            return found in text

        assert found in find(hostile_text(), holds)


def test_broken_responses_are_broken_in_several_ways() -> None:
    def issue(name: str) -> str:
        return find(broken_responses(st.just("x")), lambda text: name in map(str, parse_response(text).issues))

    for name in ("missing_think", "repeated_answer", "unclosed_answer", "wrong_order", "inexact_tag", "text_outside"):
        assert issue(name) is not None


@given(label_answers(LABELS))
def test_labels_are_found(said: Said) -> None:
    assert LabelMatcher(LABELS).match(said.text).label == said.label


@pytest.mark.parametrize("label", ["pink primrose", "tiger lily", "BAE 146-200", "2012 Acura TL Sedan"])
@given(data=st.data())
def test_near_misses_are_misses(label: str, data: st.DataObject) -> None:
    text = data.draw(label_misses(label))
    assert LabelMatcher(LABELS).match(text).label != label


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: boxes(10, 10, 11), "least_side: expected 1 to 10, got 11"),
        (lambda: box_misses((0, 0, 1, 1)), "box: no box"),
        (lambda: label_answers([]), "labels: the list is empty"),
    ],
)
def test_impossible_wishes_are_errors(build: object, message: str) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=re.escape(message)):
        build()


def test_without_hypothesis_the_extra_is_named() -> None:
    code = "import sys; sys.modules['hypothesis'] = None; import vrft_rewards; import vrft_rewards.testing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ImportError: vrft_rewards.testing needs Hypothesis, which isn't installed: pip install 'vrft[test]'"
    )


def test_the_page_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    for number, block in enumerate(blocks):
        (tmp_path / f"test_block_{number}.py").write_text(block, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b6 passed", done.stdout)
