"""The fast paths give what the slow ones give: to the last bit, and for answers that are nearly canonical too."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vrft_rewards import DetectionReward, Status, parse_response
from vrft_rewards.answers.canonical import read_canonical, read_labelled
from vrft_rewards.answers.detections import Found, Rules, find_boxes, scan_boxes
from vrft_rewards.boxes import iou_rows
from vrft_rewards.matching import _greedy_few, _greedy_many, confidence_order, greedy_pairs, pair_boxes
from vrft_rewards.response import read_answer, scan_response

NUMBERS = st.one_of(
    st.integers(0, 1100).map(str),
    st.floats(0, 1010).map(lambda value: f"{value:.3f}"),
    st.sampled_from(["0", "-5", "1e2", "007", "1000", "1000.0", "5.", ".5", "nan", "9999999", "+3", "1_0", "٣", ""]),
)
CONFIDENCES = st.sampled_from(
    ["0.85", "1", "0", "1.0", "1.5", "0.0", "50%", "-1", "0.123456789", "1e-3", "", "null", "00.5"]
)
SPACES = st.sampled_from(["", " ", " ", " ", "\n", "\t ", "\u00a0"])


@st.composite
def items(draw: st.DrawFn) -> str:
    x, y, quote = draw(st.integers(0, 900)), draw(st.integers(0, 900)), draw(st.sampled_from("'''\"`"))
    good = [str(x), str(y), str(x + draw(st.integers(1, 100))), str(y + draw(st.integers(1, 100)))]
    numbers = good if draw(st.integers(0, 3)) else draw(st.lists(NUMBERS, min_size=3, max_size=5))
    space = draw(SPACES)
    position = draw(st.sampled_from(["Position"] * 5 + ["position", "bbox_2d"]))
    return (
        f"{{{quote}{position}{quote}:{space}[{(',' + space).join(numbers)}],{space}"
        f"{quote}Confidence{quote}:{space}{draw(CONFIDENCES)}}}"
    )


ANSWERS = st.builds(
    lambda parts, comma, ends: ends[0] + comma.join(parts) + ends[1],
    st.lists(items(), max_size=6),
    st.sampled_from([", ", ",", ",\n", " ,", ";", ""]),
    st.sampled_from(
        [("[", "]"), ("[", "]"), ("\n[", "]\n"), ("[", ""), ("", ""), ("[[", "]]"), ("[", "]."), ("[", ",]")]
    ),
)


@given(
    ANSWERS,
    st.sampled_from(["clip", "reject", "keep"]),
    st.sampled_from([None, (1000, 1000), (500, 300)]),
    st.sampled_from([1, 3, 1000]),
)
@settings(max_examples=600)
def test_canonical_answers_are_read_as_the_scanner_reads_them(
    answer: str, out_of_range: str, limits: tuple[int, int] | None, most: int
) -> None:
    check_same_reading(answer, out_of_range, limits, most, 1.0)


@pytest.mark.parametrize("answer", ["No Objects", "No Objects ", "No objects", "No Objects."])
def test_no_objects_is_read_as_the_scanner_reads_it(answer: str) -> None:
    check_same_reading(answer, "clip", (1000, 1000), 1000, 1.0)
    assert str(find_boxes(answer, None).status) == "no_objects"


def check_same_reading(
    answer: str, out_of_range: str, limits: tuple[int, int] | None, most: int, missing: float
) -> None:
    rules = Rules(out_of_range, "reject", missing, most)  # type: ignore[arg-type]
    fast = find_boxes(answer, limits, rules)
    slow = scan_boxes(answer, limits, rules) if answer.strip() else Found(Status.MISSING, [], [], [])
    for name in ("boxes", "scores", "labels", "status", "issues", "points"):
        assert getattr(fast, name) == getattr(slow, name), name


LABELS = st.one_of(
    st.sampled_from(["bus", "hot dog", " a bus ", "man's hat", "a, b}", "[1, 2, 30, 40]", "no bus", "x" * 99]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.lists(st.sampled_from(["'", '"', "”", ",", "}", ":", " ", "\\", "\n", "b", "“", "```"]), max_size=5).map(
        "".join
    ),
)
SHREDS = [
    "",
    "",
    *"[]{}(),:;'\"“”`\\ \n\t.-+%5e\u00a0\u0663",
    "label",
    "bbox_2d",
    "Confidence",
    "0.5",
    "```",
    "No Objects",
    "[1, 2, 3, 4]",
]


@st.composite
def labelled_answers(draw: st.DrawFn) -> str:
    """Lists as Qwen writes them, of which up to two places are then broken."""
    quote, space, inner = draw(st.sampled_from('"""\'')), draw(st.sampled_from([" ", "", "\n\t"])), draw(SPACES)
    written = []
    for _ in range(draw(st.integers(0, 4))):
        x, y = draw(st.integers(0, 900)), draw(st.integers(0, 900))
        numbers = [x, y, x + draw(st.integers(0, 200)), y + draw(st.integers(1, 100))]
        fields = [f"{quote}bbox_2d{quote}:{space}[{(',' + inner).join(map(str, numbers))}]"]
        if draw(st.integers(0, 4)):
            fields.append(f"{quote}label{quote}:{space}{quote}{draw(LABELS)}{quote}")
        if not draw(st.integers(0, 3)):
            fields.append(
                f"{quote}{draw(st.sampled_from(['confidence', 'score', 'Conf']))}{quote}: {draw(CONFIDENCES)}"
            )
        written.append(f"{{{inner}{(',' + space).join(fields)}{inner}}}")
    opening, closing = draw(
        st.sampled_from([("[", "]"), ("[\n", "\n]"), ("```json\n[\n", "\n]\n```"), ("```\n[", "]```")])
    )
    text = opening + f",{inner}".join(written) + closing
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(SHREDS)) + text[at + draw(st.integers(0, 2)) :]
    return text


@given(
    labelled_answers(),
    st.sampled_from(["clip", "reject", "keep"]),
    st.sampled_from([None, (1000, 1000), (500, 300)]),
    st.sampled_from([1, 3, 1000]),
    st.sampled_from([1.0, 0.25]),
)
@settings(max_examples=1000)
def test_labelled_lists_are_read_as_the_scanner_reads_them(
    answer: str, out_of_range: str, limits: tuple[int, int] | None, most: int, missing: float
) -> None:
    check_same_reading(answer, out_of_range, limits, most, missing)


def test_the_labelled_fast_path_takes_what_qwen_writes() -> None:
    """In the form of the examples that come with Qwen2.5-VL and Qwen3-VL."""
    items = [{"bbox_2d": [10, 20, 30, 40], "label": "a man's hat"}, {"bbox_2d": [1, 2, 3, 4], "label": "bus"}]
    for text in (json.dumps(items), f"```json\n{json.dumps(items, separators=(', ', ': '))}\n```", repr(items)):
        found = read_labelled(text, 1000, 1000, 9)
        assert found is not None
        assert [box.label for box in found] == ["a man's hat", "bus"]
        assert [text[box.start : box.end] for box in found] == ["[10, 20, 30, 40]", "[1, 2, 3, 4]"]
    lines = '```json\n[\n\t{"bbox_2d": [10, 20, 30, 40], "label": "bus"},\n\t{"bbox_2d": [1, 2, 3, 4]}\n]\n```'
    assert len(read_labelled(lines, 1000, 1000, 9) or ()) == 2
    for refused in ("[]", json.dumps(items)[:-1], json.dumps(items[0]), json.dumps(items).replace("40", "4000")):
        assert read_labelled(refused, 1000, 1000, 9) is None


def test_the_fast_path_takes_what_the_prompt_asks_for() -> None:
    one = "{'Position': [10, 20, 30, 40], 'Confidence': 0.87}"
    assert read_canonical(f"[{one}]", 1000, 1000, 9) == ([(10.0, 20.0, 30.0, 40.0)], [0.87])
    assert read_canonical(f"[{one}, {one}]".replace("'", '"'), 1000, 1000, 9) is not None
    for refused in (one, f"[{one}", f"[{one}]]", f"[{one} {one}]", "[]", f"[{one.replace('40', '4000')}]"):
        assert read_canonical(refused, 1000, 1000, 9) is None


TAGS = [
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    " ",
    "\n",
    "a",
    "<",
    ">",
    "< think>",
    "<ANSWER>",
    "\u2003",
    "[1, 2, 3, 4]",
]


@given(
    st.one_of(
        st.lists(st.sampled_from(TAGS), max_size=9).map("".join),
        st.lists(st.sampled_from(TAGS), max_size=3).map(
            lambda x: f"<think>{x[:1]}</think>{''.join(x[1:])}<answer>b</answer>"
        ),
        st.tuples(*[st.text(" ab\n<", max_size=4)] * 3).map(
            lambda x: "<think>{}</think>{}<answer>{}</answer>".format(*x)
        ),
    ),
    st.sampled_from(["last", "first"]),
)
@settings(max_examples=600)
def test_exact_responses_are_read_as_the_scan_reads_them(text: str, choose: str) -> None:
    response = scan_response(text, choose)  # type: ignore[arg-type]
    assert parse_response(text, choose) == response  # type: ignore[arg-type]
    assert read_answer(text, choose) == (response.answer, response.issues)  # type: ignore[arg-type]


@st.composite
def boxes(draw: st.DrawFn) -> list[tuple[float, float, float, float]]:
    side = st.one_of(st.integers(0, 12), st.floats(0, 12))
    corners = draw(st.lists(st.tuples(side, side, st.integers(1, 6), st.floats(0.1, 6)), min_size=1, max_size=12))
    return [(float(x), float(y), float(x + w), float(y + h)) for x, y, w, h in corners]


@given(boxes(), boxes(), st.data(), st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.booleans())
@settings(max_examples=300)
def test_the_three_greedy_matchings_are_one(
    predictions: list[tuple[float, float, float, float]],
    truths: list[tuple[float, float, float, float]],
    data: st.DataObject,
    threshold: float,
    strict: bool,
) -> None:
    scores = data.draw(
        st.lists(st.sampled_from([0.1, 0.5, 0.5, 0.9]), min_size=len(predictions), max_size=len(predictions))
    )
    order = confidence_order(scores)
    plain = greedy_pairs(iou_rows(predictions, truths), order, len(truths), threshold, strict)
    assert _greedy_few(predictions, order, truths, threshold, strict) == plain
    assert _greedy_many(predictions, order, truths, threshold, strict) == plain


@pytest.mark.parametrize("profile", ["default", "paper", "visual-rft", "vlm-r1"])
@given(st.lists(ANSWERS, min_size=1, max_size=4))
@settings(max_examples=60)
def test_batches_are_single_scores_to_the_last_bit(profile: str, answers: list[str]) -> None:
    reward = DetectionReward(profile, iou_weight=0.3, format_weight=0.1)
    texts = [f"<think>a</think><answer>{answer}</answer>" for answer in answers]
    truth = [[100, 100, 300, 300], [0.5, 0, 90, 80]]
    batch = reward.score_batch(texts, [truth] * len(texts))
    for index, text in enumerate(texts):
        assert batch[index] == reward.score(text, truth)


TEXT = "<think>a</think><answer>[{'Position': [1, 2, 3, 4], 'Confidence': 1}]</answer>"


@pytest.mark.parametrize("row", [(1, 2, 3, 4), np.array([1, 2, 3, 4]), [1.0, 2, 3, 4], [np.float32(1), 2, 3, 4]])
def test_truth_of_any_sequence_is_read(row: object) -> None:
    assert DetectionReward().score(TEXT, [row]).value == 3.0


@pytest.mark.parametrize(
    "row", [[1, 2, float("nan"), 4], [1, 2, 3, 10**400], [1, 2, 3, 1e10], [3, 2, 1, 4], [1, 2, 3, "x"]]
)
def test_bad_truth_is_named(row: list[float]) -> None:
    with pytest.raises(ValueError, match="truth"):
        DetectionReward().score(TEXT, [[1, 2, 3, 4], row])


@given(boxes(), boxes(), st.data())
def test_labels_bind_few_and_many_alike(
    predictions: list[tuple[float, float, float, float]],
    truths: list[tuple[float, float, float, float]],
    data: st.DataObject,
) -> None:
    names = st.sampled_from(["a", "b", None])
    mine, theirs = (
        data.draw(st.lists(names, min_size=len(some), max_size=len(some))) for some in (predictions, truths)
    )
    scores = [0.5] * len(predictions)
    few = pair_boxes(predictions, scores, truths, 0.3, "greedy", False, (mine, theirs))
    assert _greedy_many(predictions, confidence_order(scores), truths, 0.3, False, (mine, theirs)) == few
    assert all(at < 0 or (mine[index] is not None and mine[index] == theirs[at]) for index, (at, _) in enumerate(few))
