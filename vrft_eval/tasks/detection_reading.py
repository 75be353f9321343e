"""Reads the answers of a detection task: those written as the prompt asks all at once, the others one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from vrft_eval.metrics.table import Floats, Ints
from vrft_eval.samples import Boxes
from vrft_rewards import Status
from vrft_rewards.answers.canonical import canonical_numbers, is_canonical
from vrft_rewards.answers.detections import MAX_BOXES, Found, find_boxes
from vrft_rewards.answers.scanner import MAX_CHARS
from vrft_rewards.coordinates import ImageSize
from vrft_rewards.response import read_answer

BOXES, NO_OBJECTS = Status.BOXES.value, Status.NO_OBJECTS.value
_NONE = "No Objects"


@dataclass(frozen=True, eq=False)
class ReadAnswers:
    """What was read from n texts: k boxes in the answers' own space, with confidences, one answer after the other.

    number (n,) says how many are whose; boxes are (k, 4), scores (k,).
    """

    statuses: list[str]
    well_formed: list[bool]
    number: Ints
    boxes: Boxes
    scores: Floats


def read_answers(texts: Sequence[str], frames: Sequence[ImageSize]) -> ReadAnswers:
    """Read what `parse_response` and `find_boxes` read; frames are the answers' spaces, (width, height)."""
    statuses = [BOXES] * len(texts)
    well_formed, number = [True] * len(texts), [0] * len(texts)
    plain: list[tuple[int, str]] = []
    others: dict[int, Found] = {}
    for place, text in enumerate(texts):
        answer, issues = read_answer(text)
        well_formed[place] = not issues
        if answer == _NONE:
            statuses[place] = NO_OBJECTS
        elif answer is not None and len(answer) <= MAX_CHARS and is_canonical(answer):
            plain.append((place, answer))
        else:
            others[place] = find_boxes(answer, frames[place])
    numbers, count, fit = _plain([answer for _, answer in plain], [frames[place] for place, _ in plain])
    for (place, answer), boxes, fits in zip(plain, count.tolist(), fit.tolist(), strict=True):
        if fits:
            number[place] = boxes
        else:
            others[place] = find_boxes(answer, frames[place])
    for place, found in others.items():
        statuses[place], number[place] = found.status.value, len(found.boxes)
    whose = np.repeat(np.arange(len(texts)), number)
    one_by_one = np.zeros(len(texts), dtype=np.bool_)
    one_by_one[list(others)] = True
    read = np.empty((len(whose), 5))
    read[~one_by_one[whose]] = numbers[np.repeat(fit, count)]
    read[one_by_one[whose]] = _rows([others[place] for place in sorted(others)])
    return ReadAnswers(statuses, well_formed, np.array(number, dtype=np.int64), read[:, :4].copy(), read[:, 4].copy())


def _plain(answers: Sequence[str], frames: Sequence[ImageSize]) -> tuple[Boxes, Ints, Ints]:
    """Boxes with confidences (k, 5) of canonical answers, their number, and whether none needs a remark."""
    count = np.array([answer.count("{") for answer in answers], dtype=np.int64)
    numbers = canonical_numbers(answers)
    whose = np.repeat(np.arange(len(answers)), count)
    x1, y1, x2, y2, _ = numbers.T
    width, height = np.array(frames, dtype=np.float64).reshape(-1, 2)[whose].T
    sound = (x1 < x2) & (x2 <= width) & (y1 < y2) & (y2 <= height)
    fit = (np.bincount(whose[sound], minlength=len(answers)) == count) & (count <= MAX_BOXES)
    return numbers, count, fit


def _rows(found: Sequence[Found]) -> Boxes:
    boxes = np.array([*chain.from_iterable(read.boxes for read in found)], dtype=np.float64).reshape(-1, 4)
    scores = np.array([*chain.from_iterable(read.scores for read in found)], dtype=np.float64)
    return np.column_stack([boxes, scores])
