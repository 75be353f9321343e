"""The audit finds each of the bugs that reward functions in use are known for.

The functions are stand-ins, written from descriptions of what the released ones do: one bug each, right otherwise.
"""

from __future__ import annotations

import ast
import json
import os
import random
import re
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from vrft_rewards.audit import AuditError, Report, Task, audit

NAME = __name__.rpartition(".")[2]
SIZES = (4_096, 16_384, 65_536)
Box = list[float]


# What a careful function does, to put single bugs into.


def answer_of(text: str, *, dotall: bool = True) -> str:
    found = re.findall(r"<answer>(.{0,20000}?)</answer>", text[-30_000:], re.DOTALL if dotall else 0)
    return str(found[-1]).strip() if found else ""


def items_of(answer: str) -> list[tuple[Box, float]] | None:
    """Return boxes with confidences, [] for a statement that there are none, None for what can't be read."""
    if answer in ("No Objects", "[]"):
        return []
    found: list[tuple[Box, float]] = []
    for item in re.finditer(r"\[([-\d., ]{7,60})\](?:, ['\"]Confidence['\"]: ([-\w.]{1,30}))?", answer):
        try:
            box = [float(value) for value in item[1].split(",")]
            confidence = float(item[2] or 1)
        except ValueError:
            continue
        if len(box) == 4 and box[0] < box[2] and box[1] < box[3]:
            found.append((box, confidence))
    return found or None


def iou(a: Box, b: Box) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (area - width * height)


def matched(items: list[tuple[Box, float]], truth: list[Box]) -> list[float]:
    """Return the IoU of each box in order of confidence with the true box that it takes, 0 for none."""
    free, found = list(truth), []
    for box, _ in items:
        best = max(free, key=lambda other: iou(box, other), default=None)
        overlap = iou(box, best) if best is not None else 0.0
        if best is not None and overlap > 0.5:
            free.remove(best)
        found.append(overlap if overlap > 0.5 else 0.0)
    return found


def detection(text: str, truth: list[Box]) -> float:
    """A reward without these bugs: the F-measure of overlap."""
    items = items_of(answer_of(text))
    if items is None:
        return 0.0
    if not items or not truth:
        return float(not items and not truth)
    items = sorted(items, key=lambda item: -item[1])
    return 2 * sum(matched(items, truth)) / (len(items) + len(truth))


def classification(text: str, truth: str) -> float:
    return float(answer_of(text).strip(". ").replace("_", " ").lower() == truth.lower())


def grounding(text: str, truth: Box) -> float:
    items = items_of("[" + ", ".join(re.findall(r"-?\d{1,6}(?:\.\d{1,6})?", answer_of(text))[:4]) + "]")
    return iou(items[0][0], truth) if items else 0.0


# Visual-RFT


def one_number_matches(completions: list[Any], solution: list[str], **columns: object) -> list[float]:
    """A maths library reads one number of each list; when they are equal, nothing else is looked at."""
    values = []
    for completion, text in zip(completions, solution, strict=True):
        said = completion[0]["content"]
        truth: list[Box] = [box for box, _ in items_of(answer_of(text)) or []]
        ours, theirs = re.findall(r"[\d.]+", answer_of(said)[-30:]), re.findall(r"[\d.]+", answer_of(text))
        values.append(1.0 if ours and theirs and ours[-1] == theirs[-1] else detection(said, truth))
    return values


def no_objects_is_zero(text: str, truth: list[Box]) -> float:
    try:
        items = items_of(answer_of(text)) or []
        items[0]
        return detection(text, truth)
    except IndexError:
        return 0.0


def one_minus_confidence(text: str, truth: list[Box]) -> float:
    items = items_of(answer_of(text))
    if not items:
        return float(items == [] and not truth)
    each = [c if hit else 1 - c for hit, (_, c) in zip(matched(items, truth), items, strict=True)]
    return min(max(sum(each) / len(each), 0.0), 1.0)


def not_a_number(text: str, truth: list[Box]) -> float:
    items = items_of(answer_of(text))
    return detection(text, truth) * sum(c for _, c in items) if items else detection(text, truth)


def recall_is_free(text: str, truth: list[Box]) -> float:
    items = items_of(answer_of(text))
    if not items:
        return float(items == [] and not truth)
    return sum(matched(items, truth)) / len(items)


def one_line_only(text: str, truth: list[Box]) -> float:
    return detection(text, truth) if answer_of(text, dotall=False) else 0.0


def quotes_are_replaced(text: str, truth: list[Box]) -> float:
    answer = answer_of(text)
    if answer not in ("No Objects", "[]"):
        try:
            json.loads(answer.replace("'", '"'))
        except (ValueError, RecursionError):
            return 0.0
    return detection(text, truth)


def label_in_label(text: str, truth: str) -> float:
    ours = answer_of(text).replace(" ", "").replace("_", "").lower()
    theirs = truth.replace(" ", "").lower()
    return float(ours in theirs or theirs in ours)


def whole_text_when_multi_line(text: str, truth: str) -> float:
    answer = answer_of(text, dotall=False)
    return classification(text, truth) if answer else float(truth.lower() in text.lower())


def numbers_of_labels(data_source: str, solution_str: str, ground_truth: str, extra_info: object) -> dict[str, float]:
    ours, theirs = re.findall(r"\d{1,9}", answer_of(solution_str)), re.findall(r"\d+", ground_truth)
    return {
        "score": float(bool(ours and theirs and ours[0] == theirs[0])) or classification(solution_str, ground_truth)
    }


def inverted_is_best(text: str, truth: Box) -> float:
    numbers = [int(number) for number in re.findall(r"-?\d{1,6}", answer_of(text))[:4]]
    if len(numbers) != 4:
        return 0.0
    x1, y1, x2, y2 = numbers
    overlap = (min(x2, truth[2]) - max(x1, truth[0])) * (min(y2, truth[3]) - max(y1, truth[1]))
    if x1 < x2 and y1 < y2:
        return 1.0 + grounding(text, truth)
    return 2.0 if overlap > 0 else 0.0


def compared_with_all_before(text: str, truth: list[Box]) -> float:
    """Equal boxes are dropped by looking through all those kept so far."""
    kept: list[tuple[Box, float]] = []
    for item in re.finditer(r"\[([-\d, ]{7,60})\]", text):
        box = ([float(number) for number in item[1].split(",") if number.strip(" -")], 1.0)
        if box not in kept:
            kept.append(box)
    return detection(text, truth)


def whole_numbers_only(text: str, truth: Box) -> float:
    return 0.0 if "." in answer_of(text) else grounding(text, truth)


def corners_are_mixed(text: str, truth: Box) -> float:
    """The first two numbers are one corner and the last two the other, however many boxes there are."""
    numbers = re.findall(r"-?\d{1,6}(?:\.\d{1,6})?", answer_of(text))
    return grounding(f"<answer>({', '.join(numbers[:2])}), ({', '.join(numbers[-2:])})</answer>", truth)


def nested_format(text: str, truth: str) -> float:
    right = re.fullmatch(r"<think>.*?</think>\s*<answer>.*?</answer>", text, re.DOTALL) is not None
    return classification(text, truth) * (1.0 if right else 0.9)


# VLM-R1, Seg-Zero, NeMo-RL


def nested_search(text: str, truth: Box) -> float:
    """Every opening tag looks for its closing one up to the end."""
    re.search(r"<answer>.*?</answer>$", text, re.DOTALL)
    return grounding(text, truth)


def label_is_missing(text: str, truth: list[Box]) -> float:
    answer = answer_of(text)
    if answer.startswith("[{"):
        answer.split('"label": ')[1]
    return detection(text, truth)


def json_only(text: str, truth: list[Box]) -> float:
    try:
        items = json.loads(answer_of(text))
        boxes = [(item["bbox_2d"], 1.0) for item in items]
        return 2 * sum(matched(boxes, truth)) / (len(boxes) + len(truth))
    except Exception:
        return 0.0


def no_clamp(text: str, truth: Box) -> float:
    numbers = re.findall(r"nan|-?\d{1,6}", answer_of(text).lower())[:4]
    if len(numbers) != 4:
        return 0.0
    a, b = [float(number) for number in numbers], truth
    overlap = (min(b[2], a[2]) - max(b[0], a[0])) * (min(b[3], a[3]) - max(b[1], a[1]))
    if a[0] < a[2] and a[1] < a[3]:
        return grounding(text, truth)
    return overlap / 160.0


def single_quotes_are_no_json(text: str, truth: list[Box]) -> float:
    return 0.0 if answer_of(text).startswith("[{'") else detection(text, truth)


def nan_is_far_away(text: str, truth: Box) -> float:
    return 160.0 if answer_of(text).lower().count("nan") == 4 else grounding(text, truth)


# What parsers let through or fall over.


def json_as_it_comes(text: str, truth: list[Box]) -> float:
    try:
        items = json.loads(answer_of(text).replace("'", '"'))
        sure = float(sum(item["Confidence"] for item in items) / len(items))
        return sure * detection(text, truth) + float(items[0]["Position"][0] * 0)
    except (ValueError, TypeError, KeyError, ZeroDivisionError, RecursionError, IndexError, AttributeError):
        return detection(text, truth)


def whole_numbers_of_any_length(text: str, truth: list[Box]) -> float:
    for number in re.findall(r"\d+", text[:20_000]):
        int(number)
    return detection(text, truth)


def infinity_as_a_whole_number(text: str, truth: list[Box]) -> float:
    for number in re.findall(r"\d{1,9}e\d{1,9}", text[:20_000]):
        int(float(number))
    return detection(text, truth)


def bytes_first(text: str, truth: str) -> float:
    return classification(text.encode("utf-8").decode("utf-8"), truth)


# Others


def alarm_in_threads(text: str, truth: str) -> float:
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    except ValueError:
        return 0.0
    return classification(text, truth)


def random_part(text: str, truth: str) -> float:
    return classification(text, truth) + random.random() / 100


def hash_of_text(text: str, truth: str) -> float:
    return classification(text, truth) + hash(text) % 100 / 1000


nameless: Callable[[str, str], float] = lambda text, truth: classification(text, truth)  # noqa: E731


def waits_for_ever(text: str, truth: str) -> float:
    while text.count("[") > 1000:
        time.sleep(0.01)
    return classification(text, truth)


def leaves(text: str, truth: str) -> float:
    if "9" * 400 in text:
        os._exit(3)
    return classification(text, truth)


def uses_up_the_truth(text: str, truth: list[Box]) -> float:
    value = detection(text, truth)
    if value and truth:
        truth.pop()
    return value


def too_much(text: str, truth: str) -> float:
    return 1.5 * classification(text, truth)


def counts_tags(text: str, truth: str) -> float:
    return 0.1 * len(re.findall(r"</?(?:think|answer)>", text)) + classification(text, truth)


def adds_up(text: str, truth: list[Box]) -> float:
    items = items_of(answer_of(text))
    if not items:
        return float(items == [] and not truth)
    return sum(max((iou(box, other) for other in truth), default=0.0) for box, _ in items)


def any_answer(text: str, truth: str) -> float:
    answers = re.findall(r"<answer>(.{0,200}?)(?:</answer>|$)", text[:20_000])
    return float(any(answer.lower().strip(". ").replace("_", " ") == truth.lower() for answer in answers))


def one_after_another(text: str, truth: list[Box]) -> float:
    items = items_of(answer_of(text))
    if not items:
        return float(items == [] and not truth)
    return sum(iou(box, other) for (box, _), other in zip(items, truth, strict=False)) / max(len(items), len(truth))


def literal(text: str, truth: list[Box]) -> float:
    answer = answer_of(text)
    if answer.startswith("["):
        ast.literal_eval(answer)
    print("scored", answer[:20].encode("ascii", "replace"))  # what a function prints must not get into the way
    return detection(text, truth)


def a_length(text: str, truth: object) -> float:
    return min(len(text), 1000) / 1000


STAND_INS: list[tuple[Callable[..., Any], Task, set[str]]] = [
    (one_number_matches, "detection", {"wrong-at-one"}),
    (no_objects_is_zero, "detection", {"no-objects-underpaid"}),
    (one_minus_confidence, "detection", {"wrong-at-zero", "box-spam", "confidence-out-of-range"}),
    (not_a_number, "detection", {"not-finite"}),
    (recall_is_free, "detection", {"one-safe-box"}),
    (one_line_only, "detection", {"multi-line-underpaid"}),
    (quotes_are_replaced, "detection", {"apostrophe-underpaid", "code-fence-underpaid"}),
    (label_in_label, "classification", {"empty-answer", "one-letter", "all-labels", "part-of-label", "negated"}),
    (whole_text_when_multi_line, "classification", {"answer-outside"}),
    (numbers_of_labels, "classification", {"number-match"}),
    (inverted_is_best, "grounding", {"inverted-box"}),
    (compared_with_all_before, "detection", {"slow-text"}),
    (whole_numbers_only, "grounding", {"decimals-underpaid"}),
    (corners_are_mixed, "grounding", {"mixed-corners"}),
    (nested_format, "classification", {"slow-text"}),
    (nested_search, "grounding", {"slow-text"}),
    (label_is_missing, "detection", {"raises"}),
    (json_only, "detection", {"no-objects-underpaid", "code-fence-underpaid"}),
    (no_clamp, "grounding", {"inverted-box"}),
    (single_quotes_are_no_json, "detection", {"quotes-underpaid"}),
    (nan_is_far_away, "grounding", {"absurd-box"}),
    (json_as_it_comes, "detection", {"not-finite"}),
    (whole_numbers_of_any_length, "detection", {"raises"}),
    (infinity_as_a_whole_number, "detection", {"raises"}),
    (bytes_first, "classification", {"raises"}),
    (alarm_in_threads, "classification", {"not-thread-safe"}),
    (random_part, "classification", {"not-deterministic"}),
    (hash_of_text, "classification", {"not-deterministic"}),
    (waits_for_ever, "classification", {"hangs"}),
    (leaves, "classification", {"dies"}),
    (uses_up_the_truth, "detection", {"changes-truth"}),
    (too_much, "classification", {"out-of-bounds"}),
    (counts_tags, "classification", {"tag-tricks"}),
    (adds_up, "detection", {"box-spam", "repeated-boxes"}),
    (any_answer, "classification", {"two-answers"}),
    (one_after_another, "detection", {"order-matters"}),
    (literal, "detection", {"raises"}),
]


def names(report: Report) -> set[str]:
    return {finding.name for finding in report.findings}


@pytest.mark.parametrize(
    ("function", "task", "expected"), STAND_INS, ids=lambda value: getattr(value, "__name__", None)
)
def test_each_bug_is_found(function: Callable[..., Any], task: Task, expected: set[str]) -> None:
    report = audit(f"{NAME}:{function.__name__}", task, bounds=(0.0, 1.0) if function is too_much else None,
                   time_limit=1.5 if function is waits_for_ever else 20.0,
                   sizes=(*SIZES, 262_144) if function is compared_with_all_before else SIZES)  # fmt: skip
    assert expected <= names(report)
    assert not report.passed


@pytest.mark.parametrize(("function", "task"), [(detection, "detection"), (classification, "classification"),
                                                (grounding, "grounding")])  # fmt: skip
def test_careful_functions_pass(function: Callable[..., Any], task: Task) -> None:
    report = audit(f"{NAME}:{function.__name__}", task, sizes=SIZES[:2])
    assert names(report) == set()
    assert report.passed


def test_a_nameless_function_cannot_be_pickled() -> None:
    assert names(audit(f"{NAME}:nameless", "classification", sizes=SIZES[:1])) == {"not-picklable"}


def test_the_answer_that_paid_is_shown() -> None:
    report = audit(f"{NAME}:label_in_label", "classification", sizes=SIZES[:1])
    finding = next(finding for finding in report.findings if finding.name == "empty-answer")
    assert finding.completion.endswith("<answer></answer>")
    assert (finding.severity, finding.honest, finding.earned) == ("high", 0.5, 1.0)


def test_what_does_not_tell_right_from_wrong_cannot_be_audited() -> None:
    with pytest.raises(AuditError, match="earn no more than wrong ones"):
        audit(f"{NAME}:a_length", "detection")


def test_the_way_of_asking_is_found() -> None:
    assert (
        "trl call, completion as messages, truth solution"
        in audit(f"{NAME}:one_number_matches", "detection", sizes=SIZES[:1]).asked_as
    )
    assert "qwen boxes" in audit(f"{NAME}:json_only", "detection", sizes=SIZES[:1]).asked_as
