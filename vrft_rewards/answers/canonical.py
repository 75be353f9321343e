"""The fast path: answers written exactly as the prompt asks, read without a scanner.

Only what the scanner would read without a single remark is accepted here, so both give the same boxes and confidences.
"""

from __future__ import annotations

import re
from operator import lt

__all__ = ["read_canonical"]

Corners = tuple[float, float, float, float]

_S = r"[ \t\r\n]*"
_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,16})?"
_CONFIDENCE = r"(?:0(?:\.[0-9]{1,16})?|1(?:\.0{1,16})?)"
_ITEM = (
    rf"\{{['\"]Position['\"]:{_S}\[{_NUMBER},{_S}{_NUMBER},{_S}{_NUMBER},{_S}{_NUMBER}\],"
    rf"{_S}['\"]Confidence['\"]:{_S}{_CONFIDENCE}\}}"
)
_LIST = re.compile(rf"{_S}\[{_ITEM}(?:,{_S}{_ITEM})*\]{_S}")
# What is neither digit nor point becomes a space, and the numbers are what is left.
_BLANK = {code: " " for code in range(128) if chr(code) not in "0123456789."}


def read_canonical(answer: str, width: float, height: float, most: int) -> tuple[list[Corners], list[float]] | None:
    """Return the boxes and confidences of ``[{'Position': [x1, y1, x2, y2], 'Confidence': c}, ...]``, else None.

    None also for any box that would need a remark: inverted, empty, beyond (width, height), or one of more than
    ``most``.

    >>> read_canonical("[{'Position': [1, 2, 30, 40], 'Confidence': 0.5}]", 1000, 1000, 10)
    ([(1.0, 2.0, 30.0, 40.0)], [0.5])
    >>> read_canonical("[{'Position': [1, 2, 30, 40]}]", 1000, 1000, 10)
    """
    if _LIST.fullmatch(answer) is None:
        return None
    numbers = [*map(float, answer.translate(_BLANK).split())]
    if len(numbers) == 5:
        x1, y1, x2, y2, confidence = numbers
        if x1 < x2 <= width and y1 < y2 <= height:
            return [(x1, y1, x2, y2)], [confidence]
        return None
    left, top, right, bottom = numbers[::5], numbers[1::5], numbers[2::5], numbers[3::5]
    if len(left) > most or max(right) > width or max(bottom) > height:
        return None
    if not (all(map(lt, left, right)) and all(map(lt, top, bottom))):
        return None
    return [*zip(left, top, right, bottom)], numbers[4::5]  # noqa: B905 (cut from whole items)
