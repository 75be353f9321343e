"""parse_response: what is thinking, what is the answer, and what is wrong with the format."""

from __future__ import annotations

import pickle

import pytest

from vrft_rewards import Response, parse_response, visual_rft_format

WELL_FORMED = [
    "<think>a</think><answer>b</answer>",
    "<think>a</think> <answer>b</answer>\n",
    "\n<think>\nline\nline\n</think>\n\n<answer>\n[1]\n</answer>",
    "<think>5 < 6 and <b>bold</b></think><answer>b</answer>",
]


@pytest.mark.parametrize("text", WELL_FORMED)
def test_well_formed(text: str) -> None:
    assert parse_response(text).well_formed


@pytest.mark.parametrize(
    ("text", "think", "answer", "issues"),
    [
        ("", None, None, "missing_think missing_answer"),
        ("just words", None, None, "missing_think missing_answer text_outside"),
        ("<answer>b</answer>", None, "b", "missing_think"),
        ("<think>a</think>", "a", None, "missing_answer"),
        ("<think>a</think><answer>b", "a", "b", "unclosed_answer"),
        ("<think>a<answer>b</answer>", "a", "b", "unclosed_think"),
        ("<think>a", "a", None, "missing_answer unclosed_think"),
        ("<think> </think><answer>b</answer>", " ", "b", "empty_think"),
        ("<think>a</think><answer> \n</answer>", "a", " \n", "empty_answer"),
        ("<answer>b</answer><think>a</think>", "a", "b", "wrong_order"),
        ("<THINK>a</Think><Answer>b</ANSWER>", "a", "b", "inexact_tag"),
        ("< think >a< / think ><answer >b</ answer>", "a", "b", "inexact_tag"),
        ("so <think>a</think><answer>b</answer>", "a", "b", "text_outside"),
        ("<think>a</think> so <answer>b</answer>", "a", "b", "text_outside"),
        ("<think>a</think><answer>b</answer> so", "a", "b", "text_outside"),
        # The prompt may hold the opening tag.
        ("a</think><answer>b</answer>", "a", "b", "missing_think"),
        ("<think>a</think>b</answer>", "a", "b", "missing_answer"),
        # Several: the first think, the last answer that says something.
        ("<think>a</think><think>b</think><answer>c</answer>", "a", "c", "repeated_think"),
        ("<think>a</think><answer>b</answer><answer>c</answer>", "a", "c", "repeated_answer"),
        ("<think>a</think><answer>b</answer><answer> </answer>", "a", "b", "repeated_answer"),
        ("<think>a</think><answer>b<answer>c</answer>", "a", "c", "repeated_answer"),
        ("<think>a</think><answer>b</answer></answer>", "a", "b", "text_outside"),
        ("<think>a<think>b</think><answer>c</answer>", "a<think>b", "c", "repeated_think"),
        # Thinking never counts, wherever it stands.
        ("<think>a <answer>b</answer> c</think>", "a <answer>b</answer> c", None, "missing_answer"),
        ("<think>a <answer>b</answer> c</think><answer>d</answer>", "a <answer>b</answer> c", "d", ""),
        ("<answer><think>a</think>b</answer>", "a", "b", "repeated_answer wrong_order"),
    ],
)
def test_broken_formats_have_documented_outcomes(text: str, think: str | None, answer: str | None, issues: str) -> None:
    response = parse_response(text)
    assert (response.think, response.answer) == (think, answer)
    assert {str(issue) for issue in response.issues} == set(issues.split())


def test_spans_point_into_the_text() -> None:
    text = "<think> a </think>\n<answer>b c</answer>"
    response = parse_response(text)
    assert response.think_span is not None
    assert response.answer_span is not None
    assert text[slice(*response.think_span)] == response.think == " a "
    assert text[slice(*response.answer_span)] == response.answer == "b c"


def test_first_answer_on_request() -> None:
    text = "<think>a</think><answer> </answer><answer>b</answer><answer>c</answer>"
    assert parse_response(text, choose="first").answer == "b"


def test_frozen_and_picklable() -> None:
    response = parse_response(WELL_FORMED[0])
    assert pickle.loads(pickle.dumps(response)) == response == Response("a", "b", (7, 8), (24, 25), ())
    with pytest.raises(AttributeError):
        response.answer = "c"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("<think></think><answer></answer>", True),
        ("<think>a</think> \t\n<answer>b</answer>", True),
        ("<think>a</think>x</think><answer>b</answer>", True),
        ("<think>a</think><answer>b</answer>c</answer>", True),
        ("<think>a</think><answer>b</answer>\n", False),
        (" <think>a</think><answer>b</answer>", False),
        ("<think>a</think>x<answer>b</answer>", False),
        ("<THINK>a</THINK><answer>b</answer>", False),
        ("<think></answer>", False),
    ],
)
def test_visual_rft_format(text: str, right: bool) -> None:
    assert visual_rft_format(text) is right
