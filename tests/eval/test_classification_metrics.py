"""Accuracy by the three rules, per class, and what is taken for what, against answers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from vrft_eval.backends import Answer
from vrft_eval.metrics import Verdict, accuracies, confusion, per_class, released_errors
from vrft_eval.metrics.visual_rft import released_accepts, released_answer
from vrft_eval.tasks import TASKS, LoadOptions, Measures, Reading, Verdicts, load_task

LABELS = ["rose", "desert rose", "tulip", "iris"]

# (truth, completion, what strict / fuzzy / visual-rft make of it)
ANSWERS = [
    ("rose", "<think>x</think><answer>Rose.</answer>", (True, True, True)),
    ("rose", "<think>x</think><answer>a photo of a rose</answer>", (False, True, True)),
    ("rose", "<think>x</think><answer>desert rose</answer>", (False, False, True)),  # holds the truth's name
    ("rose", "<think>x</think><answer></answer>", (False, False, True)),  # the empty text is in every name
    ("rose", "<think>x</think><answer>not a rose</answer>", (False, False, True)),
    ("rose", "<think>x</think><answer>\nrose\n</answer>", (True, True, False)),  # more than one line
    ("rose", "<think>x</think><answer>rosse</answer>", (False, True, False)),
    ("rose", "<think>a rose</think>", (False, False, False)),
    ("tulip", "<think>x</think><answer>iris</answer>", (False, False, False)),
    ("tulip", "<think>x</think><answer>iris</answer>", (False, False, False)),
    ("tulip", "<think>x</think><answer>rose</answer>", (False, False, False)),
    ("tulip", "<think>x</think><answer>sunflower</answer>", (False, False, False)),
    ("iris", "", (False, False, False)),
    ("iris", None, (False, False, False)),
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measures:
    folder = tmp_path_factory.mktemp("flowers")
    rows = [f"{k}.png,{truth}" for k, (truth, _, _) in enumerate(ANSWERS)]
    extra = [f"x{k}.png,{label}" for k, label in enumerate(LABELS)]
    (folder / "index.csv").write_text("\n".join(["image,label", *rows, *extra]) + "\n", encoding="utf-8")
    data = load_task(TASKS["classification"], LoadOptions(folder))
    samples = data.samples("Which?", None)[: len(ANSWERS)]
    answers = [
        None if text is None else Answer(sample.id, text) for sample, (_, text, _) in zip(samples, ANSWERS, strict=True)
    ]
    judged = [data.judge(sample, answer, Reading()) for sample, answer in zip(samples, answers, strict=True)]
    return data.measure(Verdicts.of(judged), Reading())


def test_accuracy_by_each_rule(measured: Measures) -> None:
    rights = [sum(rights[k] for _, _, rights in ANSWERS) for k in range(3)]
    assert rights == [2, 4, 5]
    assert measured.metrics == {
        "accuracy": 2 / 14,
        "accuracy_fuzzy": 4 / 14,
        "accuracy_visual_rft": 5 / 14,
    }


def test_what_the_released_rule_gets_wrong_is_counted_in_both_directions(measured: Measures) -> None:
    assert measured.counts["visual_rft_paid_wrong"] == 3
    assert measured.counts["visual_rft_unpaid_right"] == 2
    assert any("wrong on 5 of 14 answers: it pays 3" in note for note in measured.notes)


def test_every_answer_is_right_another_class_off_the_list_or_missing(measured: Measures) -> None:
    counts = measured.counts
    assert (counts["other_class"], counts["off_list"], counts["without_answer"]) == (4, 2, 4)
    assert 4 + counts["other_class"] + counts["off_list"] + counts["without_answer"] == len(ANSWERS)


def test_per_class(measured: Measures) -> None:
    assert set(measured.per_category) == {"rose", "tulip", "iris"}
    assert measured.per_category["tulip"] == {
        "accuracy": 0.0,
        "accuracy_fuzzy": 0.0,
        "accuracy_visual_rft": 0.0,
        "truth": 4,
        "predicted": 0,
        "off_list": 1,
        "without_answer": 0,
    }
    rose = measured.per_category["rose"]
    assert (rose["truth"], rose["predicted"], rose["off_list"], rose["without_answer"]) == (8, 5, 1, 2)
    assert rose["accuracy_fuzzy"] == 4 / 8


def test_confused_pairs_come_with_counts_the_most_frequent_first(measured: Measures) -> None:
    assert measured.confusion is not None
    pairs = [(pair.truth, pair.predicted, pair.count) for pair in measured.confusion.pairs]
    assert pairs == [("tulip", "iris", 2), ("rose", "desert rose", 1), ("tulip", "rose", 1)]
    assert measured.confusion.more_pairs == 0


def test_records_give_the_metrics_again(measured: Measures) -> None:
    import numpy as np

    assert measured.records is not None
    whole = measured.records.metrics(np.ones((1, len(measured.records.images)), dtype=np.int32))
    assert {name: float(values[0]) for name, values in whole.items()} == pytest.approx(measured.metrics)


def test_a_report_lists_fifty_pairs_and_says_how_many_more_there_are() -> None:
    verdicts = [
        Verdict(f"class {k:03}", f"class {k + 1:03}", answered=True, strict=False, visual_rft=False)
        for k in range(60)
        for _ in range(2 if k == 59 else 1)
    ]
    found = confusion(verdicts)
    assert (len(found.pairs), found.more_pairs, found.other_class) == (50, 10, 61)
    assert (found.pairs[0].truth, found.pairs[0].count) == ("class 059", 2)
    assert found.pairs[1].truth == "class 000"


def test_nothing_to_measure() -> None:
    assert set(accuracies([]).values()) == {None}
    assert per_class([]) == {}
    assert released_errors([]) == (0, 0)
    assert confusion([]).pairs == []


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("", None),
        ("<answer>", None),
        ("</answer>rose<answer>", None),
        ("<answer>rose</answer>", "rose"),
        ("<answer>a</answer><answer>b</answer>", "a"),
        ("<answer><answer>a</answer>", "<answer>a"),
        ("<answer>a\n</answer>", None),
        ("<answer>a\n<answer>b</answer>", "b"),
        ("<answer>a\r</answer>", "a\r"),
        ("<answer>a\u2028b</answer>", "a\u2028b"),
        ("<Answer>a</Answer>", None),
    ],
)
def test_the_released_answer(completion: str, answer: str | None) -> None:
    assert released_answer(completion) == answer


@pytest.mark.parametrize(
    "hostile", ["<answer>" * 200_000, "</answer>\n<answer>" * 100_000, "\ud800" * 1000, "\0" * 1000]
)
def test_the_released_rule_is_total(hostile: str) -> Any:
    assert released_accepts(hostile, "rose") in (True, False)


def test_the_released_rule_ignores_case_spaces_and_underscores() -> None:
    assert released_accepts("<answer>DESERT_ROSE</answer>", "desert rose")
    assert not released_accepts("<answer>desert-rose</answer>", "desert rose")
