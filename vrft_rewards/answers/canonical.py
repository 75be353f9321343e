"""The fast path: answers written exactly as the prompt asks, read without a scanner.

Only what the scanner would read without a single remark is accepted here, so both give the same boxes and confidences.
"""

from __future__ import annotations

import re

__all__ = ["read_canonical"]

Corners = tuple[float, float, float, float]

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
