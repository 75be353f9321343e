"""Where the labels of boxes go: inside the picture, and not on one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FONT = 4.4
"""Size of the letters, in hundredths of the picture's longer side, as everything below."""
_LETTER, _ABOVE, _BELOW, _GAP = 2.7, 3.7, 0.9, 1.2


@dataclass(frozen=True)
class Rect:
    """A box in the picture's own pixels, with its label."""

    x: float
    y: float
    w: float
    h: float
    label: str


@dataclass(frozen=True)
class Label:
    """A text and where it starts, on its baseline."""

    x: float
    y: float
    text: str


def place_labels(boxes: Sequence[Rect], size: tuple[int, int]) -> list[Label]:
    """Labels above their boxes, else inside, else below; one that finds no free place is left out.

    >>> place_labels([Rect(10, 50, 20, 20, "0.90"), Rect(11, 50, 20, 20, "0.80")], (100, 100))
    [Label(x=10.6, y=48.8, text='0.90'), Label(x=11.6, y=55.2, text='0.80')]
    """
    unit = max(size) / 100
    taken: list[tuple[float, float, float, float]] = []
    labels = []
    for box in boxes:
        width = _LETTER * unit * len(box.label)
        x = max(min(box.x + 0.6 * unit, size[0] - width), 0.6 * unit)
        for y in _baselines(box, unit):
            x1, y1, x2, y2 = x, y - _ABOVE * unit, x + width, y + _BELOW * unit
            inside = y1 >= 0 and y2 <= size[1]
            if inside and not any(
                x1 < right and left < x2 and y1 < bottom and top < y2 for left, top, right, bottom in taken
            ):
                taken.append((x1, y1, x2, y2))
                labels.append(Label(round(x, 2), round(y, 2), box.label))
                break
    return labels


def _baselines(box: Rect, unit: float) -> Iterator[float]:
    yield box.y - _GAP * unit
    yield box.y + (FONT + 0.8) * unit
    yield box.y + box.h - _GAP * unit
    yield box.y + box.h + FONT * unit
