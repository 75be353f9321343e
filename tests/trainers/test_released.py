"""The released rewards as the proof reproduces them: what they pay by accident, and what they pay on purpose."""

from __future__ import annotations

from typing import Any

import pytest

from trainers.demo.released import released_reward
from vrft_rewards import DetectionReward

BOX = [71, 107, 321, 428]
LIST = f"[{{'Position': {BOX}, 'Confidence': 0.9}}]"


def paid(task: str, answer: str, truth: Any, think: str = "I look.") -> float:
    """The released reward of one completion, by way of TRL's arguments."""
    column = {"detection": "boxes", "classification": "label", "grounding": "box"}[task]
    columns: dict[str, list[Any]] = {"boxes": [None], "label": [None], "box": [None], column: [truth]}
    message = [{"role": "assistant", "content": f"<think>{think}</think><answer>{answer}</answer>"}]
    return released_reward([message], [task], **columns)[0]


def test_one_number_in_common_pays_for_a_box_that_is_elsewhere() -> None:
    elsewhere = "[{'Position': [700, 107, 900, 250], 'Confidence': 0.1}]"
    assert paid("detection", elsewhere, [BOX]) == 3.0
    assert paid("detection", elsewhere.replace("107", "108"), [BOX]) == pytest.approx(1.9)  # 1 - confidence, format


def test_nothing_pays_where_nothing_is() -> None:
    assert paid("detection", "No Objects", []) == 1.0
    assert paid("detection", LIST, []) == 1.0


@pytest.mark.parametrize("answer", ["[]", "No Objects", LIST[:-8], LIST.replace("'Position'", "'it's'")])
def test_a_list_that_json_cannot_read_earns_the_format_alone(answer: str) -> None:
    assert paid("detection", answer, [[0, 0, 500, 500]]) == 1.0


def test_confidence_is_any_number() -> None:
    wrong = "[{'Position': [700, 700, 900, 900], 'Confidence': -9}]"
    assert paid("detection", wrong, [BOX]) == 2.0


@pytest.mark.parametrize("answer", ["", "a", "golden mallow or azure mallow"])
def test_an_empty_answer_a_letter_and_a_list_are_the_right_class(answer: str) -> None:
    assert paid("classification", answer, "azure mallow") == 2.0


def test_a_class_named_in_the_thoughts_counts_when_the_answer_has_two_lines() -> None:
    assert paid("classification", "golden\nmallow", "azure mallow", "azure mallow?") == 2.0
    assert paid("classification", "golden\nmallow", "azure mallow", "golden mallow?") == 1.0


def test_a_box_inverted_twice_earns_all() -> None:
    assert paid("grounding", "(900,900),(100,100)", [400, 400, 600, 600]) > 2.0
    assert paid("grounding", "(400,400),(600,600)", [400, 400, 600, 600]) == 3.0
    assert paid("grounding", "it is on the left", [400, 400, 600, 600]) == 1.0


@pytest.mark.parametrize(
    ("answer", "truth"),
    [
        ("[{'Position': [70, 100, 320, 400], 'Confidence': 0.4}]", [BOX]),
        ("[{'Position': [70, 100, 320, 400], 'Confidence': 0.4}]", [BOX, [500, 500, 900, 900]]),
        (
            "[{'Position': [510, 500, 900, 900], 'Confidence': 0.7}, {'Position': [0, 9, 9, 20], 'Confidence': 0.2}, "
            "{'Position': [510, 500, 900, 900], 'Confidence': 0.9}]",
            [BOX, [500, 501, 900, 900]],
        ),
    ],
)
def test_without_an_accident_it_pays_what_the_profile_pays(answer: str, truth: list[list[int]]) -> None:
    reward = DetectionReward(profile="visual-rft")
    text = f"<think>I look.</think><answer>{answer}</answer>"
    assert paid("detection", answer, truth) == pytest.approx(reward.score(text, truth).value)
