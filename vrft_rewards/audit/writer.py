"""Writing answers the way models do, in the dialect that the audited function reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["DIALECTS", "THINK", "Box", "Dialect", "Writer"]

Box = tuple[int, int, int, int]
Dialect = Literal["position", "json", "qwen", "bare", "corners"]
DIALECTS: tuple[Dialect, ...] = ("position", "json", "qwen", "bare", "corners")

THINK = "I look at the picture with care."
"""Thinking that says nothing: no label, no number."""


@dataclass(frozen=True, slots=True)
class Writer:
    """How completions are written: the dialect of boxes, and whether think and answer tags are there.

    >>> Writer().say(Writer().boxes([(1, 2, 30, 40)]), think="One.")
    "<think>One.</think><answer>[{'Position': [1, 2, 30, 40], 'Confidence': 0.5}]</answer>"
    """

    dialect: Dialect = "position"
    tags: bool = True

    def say(self, answer: str, think: str = THINK) -> str:
        """Return a completion with this answer."""
        return f"<think>{think}</think><answer>{answer}</answer>" if self.tags else answer

    def boxes(self, boxes: Sequence[Sequence[object]], confidences: Sequence[str | None] | str | None = "0.5") -> str:
        """Return a list of boxes as text; a confidence of None is left out. Coordinates are written as they are."""
        given = [confidences] * len(boxes) if isinstance(confidences, str) or confidences is None else confidences
        rows = ["[" + ", ".join(str(value) for value in box) + "]" for box in boxes]
        if self.dialect == "bare":
            return rows[0] if len(rows) == 1 else "[" + ", ".join(rows) + "]"
        if self.dialect == "corners":
            return ", ".join("({},{}),({},{})".format(*box) for box in boxes)
        quote, key, extra = ("'", "Position", "") if self.dialect == "position" else ('"', "Position", "")
        if self.dialect == "qwen":
            key, extra = "bbox_2d", ', "label": "object"'
        items = []
        for row, confidence in zip(rows, given, strict=True):
            stated = "" if confidence is None else f", {quote}Confidence{quote}: {confidence}"
            items.append(f"{{{quote}{key}{quote}: {row}{stated}{extra}}}")
        return "[" + ", ".join(items) + "]"

    def __str__(self) -> str:
        """Return a few words for the report."""
        return f"{self.dialect} boxes, {'tags' if self.tags else 'no tags'}"
