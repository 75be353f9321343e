"""The gate's answers are read by total parsers: whatever a model writes, the verdict is one of three."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrft_eval.gate.reading import read_names, read_yes_no
from vrft_rewards import LabelMatcher
from vrft_rewards.testing import broken_responses, hostile_text

YES = [
    "Yes",
    "yes.",
    "**Yes**",
    "ＹＥＳ",
    "Yes, there is a cat in the image.",
    "Yes, there is no doubt.",
    "<think>No dog. A cat?</think><answer>Yes</answer>",
    "<think>A cat lies there, no dog.</think>\nyes",
    "The answer is: yes.",
    "There is a cat on the sofa.",
    "<think>A cat.</think><answer>[{'Position': [1, 2, 30, 40], 'Confidence': 0.85}]</answer>",
    "True",
]
NO = [
    "No",
    "no.",
    "No, there is no cat in the image.",
    "Nope",
    "<think>Yes or no? I see none.</think><answer>No Objects</answer>",
    "The answer is no.",
    "There is no cat in the image.",
    "There isn't a cat in it.",
    "There are not any cats visible.",
    "[]",
    "None",
    "false",
]
UNCLEAR = [
    "",
    " \n",
    "Yes or no?",
    "yes/no",
    "Yes no",
    "I am not sure.",
    "No idea.",
    "Maybe yes.",
    "I cannot determine that.",
    "<think>Yes, a cat",
    "нет",
    "0",
    "cat",
    "<answer></answer>",
]


@pytest.mark.parametrize(
    ("text", "verdict"), [(t, "yes") for t in YES] + [(t, "no") for t in NO] + [(t, "unclear") for t in UNCLEAR]
)
def test_an_answer_is_yes_or_no_or_unclear(text: str, verdict: str) -> None:
    assert read_yes_no(text) == verdict


CATEGORIES = LabelMatcher(["person", "dining table", "hot dog", "dog", "cat", "cup"], {"person": ["people"]})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("person, dining table, cup", {"person", "dining table", "cup"}),
        ("- person\n- Dining_Table\n", {"person", "dining table"}),
        ("1. person 2. cup", {"person", "cup"}),
        ('["hot dog", "cup"]', {"hot dog", "cup"}),
        ("<think>no cat</think><answer>hot dog; dog.</answer>", {"hot dog", "dog"}),
        ("The image contains a person, two cups and a dinning table.", {"person", "cup", "dining table"}),
        ("people and a cup", {"person", "cup"}),
        ("There is a dog but no cat", {"dog"}),
    ],
)
def test_a_list_names_categories(text: str, names: set[str]) -> None:
    found = read_names(text, CATEGORIES)
    assert (set(found.names), found.unclear) == (names, False)


@pytest.mark.parametrize("text", ["none", "None.", "[]", "No objects.", "<think>a</think><answer>none</answer>"])
def test_an_empty_list_is_a_clear_answer(text: str) -> None:
    found = read_names(text, CATEGORIES)
    assert (set(found.names), found.unclear, found.unknown) == (set(), False, 0)


@pytest.mark.parametrize("text", ["", "I am a language model.", "zebra, giraffe", "<think>person, cup"])
def test_a_list_without_a_known_name_is_unclear(text: str) -> None:
    found = read_names(text, CATEGORIES)
    assert (set(found.names), found.unclear) == (set(), True)


def test_names_of_no_category_are_counted() -> None:
    assert read_names("person, zebra, giraffe", CATEGORIES).unknown == 2


SAID = st.sampled_from([*YES, *NO, *UNCLEAR, "person, cup", "zebra"])


@given(st.one_of(hostile_text(), broken_responses(SAID), st.lists(SAID).map("\n".join)))
def test_reading_is_total(text: str) -> None:
    assert read_yes_no(text) in ("yes", "no", "unclear")
    found = read_names(text, CATEGORIES)
    assert found.names <= set(CATEGORIES.labels)
    assert not (found.names and found.unclear)


@pytest.mark.parametrize(
    "text",
    ["yes " * 500_000, "a," * 500_000, "<answer>" * 200_000, "[" * 1_000_000, "\ud800" * 1_000_000, "1. " * 500_000],
)
def test_a_megabyte_of_anything_is_read(text: str) -> None:
    assert read_yes_no(text) in ("yes", "no", "unclear")
    assert read_names(text, CATEGORIES).names == set()
