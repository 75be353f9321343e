"""The fast paths: answers written as the prompt asks, or as Qwen2.5-VL and Qwen3-VL were taught, without a scanner.

Only what the scanner would read without a remark (but for a confidence that isn't there) is accepted here, so both
give the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .raw import Corners, RawBox

__all__ = ["canonical_numbers", "is_canonical", "read_canonical", "read_labelled"]

_S = r"[ \t\r\n]*"
_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,16})?"
_CONFIDENCE = r"(?:0(?:\.[0-9]{1,16})?|1(?:\.0{1,16})?)"


def _item(number: str, confidence: str) -> str:
    box = rf",{_S}".join([number] * 4)
    return rf"\{{['\"]Position['\"]:{_S}\[{box}\],{_S}['\"]Confidence['\"]:{_S}{confidence}\}}"


_EACH = _item(_NUMBER, _CONFIDENCE)
_match_one = re.compile(rf"{_S}\[{_item(f'({_NUMBER})', f'({_CONFIDENCE})')}\]{_S}").fullmatch
_match_list = re.compile(rf"{_S}\[{_EACH}(?:,{_S}{_EACH})*\]{_S}").fullmatch
# What is neither digit nor point becomes a space, and the numbers are what is left.
_BLANK = bytes(code if code in b"0123456789." else 32 for code in range(256))
# Without all else the commas between boxes and confidences are left too, and stand where they must.
_NO_NUMBER = bytes(code for code in range(256) if code not in b"0123456789.,")


def read_canonical(answer: str, width: float, height: float, most: int) -> tuple[list[Corners], list[float]] | None:
    """Return the boxes and confidences of ``[{'Position': [x1, y1, x2, y2], 'Confidence': c}, ...]``, else None.

    None also for any box that would need a remark: inverted, empty, beyond (width, height), or one of more than
    ``most``.

    >>> read_canonical("[{'Position': [1, 2, 30, 40], 'Confidence': 0.5}]", 1000, 1000, 10)
    ([(1.0, 2.0, 30.0, 40.0)], [0.5])
    >>> read_canonical("[{'Position': [1, 2, 30, 40]}]", 1000, 1000, 10)
    """
    if answer.count("{") == 1:  # common enough in training to be worth a way of its own
        match = _match_one(answer)
        if match is None:
            return None
        x1, y1, x2, y2, confidence = map(float, match.groups())
        return ([(x1, y1, x2, y2)], [confidence]) if x1 < x2 <= width and y1 < y2 <= height else None
    if _match_list(answer) is None:
        return None
    numbers = map(float, answer.encode("ascii").translate(_BLANK).decode("ascii").split())
    boxes: list[Corners] = []
    scores: list[float] = []
    for x1, y1, x2, y2, confidence in zip(numbers, numbers, numbers, numbers, numbers):  # noqa: B905 (the shape is checked)
        if not (x1 < x2 <= width and y1 < y2 <= height):
            return None
        boxes.append((x1, y1, x2, y2))
        scores.append(confidence)
    return (boxes, scores) if len(boxes) <= most else None


def is_canonical(answer: str) -> bool:
    """Whether an answer is written as `read_canonical` reads it, wherever its boxes are."""
    return _match_list(answer) is not None


def canonical_numbers(answers: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return x1, y1, x2, y2 and confidence of each box of answers that are canonical, one after the other: (n, 5).

    >>> canonical_numbers(["[{'Position': [1, 2, 30, 40], 'Confidence': 0.5}]"]).tolist()
    [[1.0, 2.0, 30.0, 40.0, 0.5]]
    """
    if not answers:
        return np.zeros((0, 5))
    numbers = ",".join(answers).encode("ascii").translate(None, _NO_NUMBER).decode("ascii")
    return np.fromstring(numbers, dtype=np.float64, sep=",").reshape(-1, 5)


_BOX = rf",{_S}".join([f"({_NUMBER})"] * 4)
# The label as the scanner finds it: to the next quote of its kind, with little white space around it.
_LABEL = r"""['"]label['"]:[ \t\r\n]{0,8}(?:"([^"\\\n]{1,100})"|'([^'\\\n]{1,100})')(?=[ \t\r\n]{0,8}[,}])"""
_SURE = rf"""['"](?:[Cc]onfidence|score)['"]:{_S}({_CONFIDENCE})(?=[ \t\r\n]*\}})"""
_labelled_begins = re.compile(rf"{_S}(?:```(?:json)?)?{_S}\[{_S}(?=\{{)").match
_labelled_item = re.compile(
    rf"""\{{{_S}['"]bbox_2d['"]:{_S}\[{_BOX}\](?:,{_S}{_LABEL})?(?:{_S},{_S}{_SURE})?{_S}\}},?{_S}"""
).match
_labelled_ends = re.compile(rf"\]{_S}(?:```)?{_S}").fullmatch


def read_labelled(answer: str, width: float, height: float, most: int) -> list[RawBox] | None:
    """Return the boxes of ``[{"bbox_2d": [x1, y1, x2, y2], "label": "a bus"}, ...]``, else None.

    The list may stand in a code fence, an item may lack the label, and may end with a confidence. None also for what
    `read_canonical` refuses.

    >>> [(box.numbers, box.label) for box in read_labelled('[{"bbox_2d": [1, 2, 30, 40], "label": "bus"}]', 99, 99, 9)]
    [((1.0, 2.0, 30.0, 40.0), 'bus')]
    """
    begin = _labelled_begins(answer)
    if begin is None:
        return None
    at = begin.end()
    boxes: list[RawBox] = []
    item = _labelled_item(answer, at)
    while item is not None:
        first, second, third, fourth, double, single, sure = item.groups()
        x1, y1, x2, y2 = float(first), float(second), float(third), float(fourth)
        if not (x1 < x2 <= width and y1 < y2 <= height):
            return None
        label = double or single
        boxes.append(
            RawBox(
                (x1, y1, x2, y2),
                item.start(1) - 1,
                item.end(4) + 1,
                None if sure is None else float(sure),
                None if label is None else label.strip(),
            )
        )
        at = item.end()
        item = _labelled_item(answer, at)
    return boxes if 0 < len(boxes) <= most and _labelled_ends(answer, at) is not None else None
