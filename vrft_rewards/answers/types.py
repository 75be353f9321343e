"""What an answer can turn out to be, and what was wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

__all__ = ["Box", "Detections", "Issue", "IssueKind", "Label", "Status"]

FloatArray = npt.NDArray[np.float64]

EXCERPT = 80
"""Longest text of the answer that an issue quotes, in characters."""


class Status(str, Enum):
    """What the answer says: boxes, that there are none, nothing readable, or nothing at all."""

    BOXES = "boxes"
    LABEL = "label"
    NO_OBJECTS = "no_objects"
    UNPARSABLE = "unparsable"
    MISSING = "missing"

    def __str__(self) -> str:
        """Return the value, so that f-strings read the same on every Python."""
        return self.value


class IssueKind(str, Enum):
    """Why a piece of an answer was dropped, changed or doubted."""

    NOT_A_BOX = "not_a_box"
    """Numbers in brackets that aren't four plain numbers."""
    NOT_A_NUMBER = "not_a_number"
    """A number that is infinite, NaN or too long to be meant."""
    INVERTED = "inverted"
    """A box whose second corner isn't right of and below its first."""
    OUT_OF_RANGE = "out_of_range"
    """A box with a corner outside its coordinate space."""
    TRUNCATED = "truncated"
    """The answer breaks off inside this item."""
    CONFIDENCE_MISSING = "confidence_missing"
    CONFIDENCE_RANGE = "confidence_range"
    """A confidence outside [0, 1]."""
    CONFIDENCE_UNREADABLE = "confidence_unreadable"
    SEVERAL_BOXES = "several_boxes"
    """More boxes than were asked for."""
    TOO_MANY_BOXES = "too_many_boxes"
    TOO_LONG = "too_long"
    TOO_MANY_ISSUES = "too_many_issues"
    CONTRADICTION = "contradiction"
    """The answer gives boxes and also says that there are none."""
    EMPTY_ITEM = "empty_item"
    """An item of the list that holds no box."""
    UNREADABLE = "unreadable"
    """Nothing in the answer could be read."""

    def __str__(self) -> str:
        """Return the value, so that f-strings read the same on every Python."""
        return self.value


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that was wrong: its kind, the text concerned (at most 80 characters), its offset."""

    kind: IssueKind
    text: str
    position: int


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Boxes read from an answer.

    ``boxes`` is (n, 4) float64, corners x1, y1, x2, y2 in the space that was asked for; ``scores`` is
    (n,) float64 in [0, 1]; ``labels`` has n entries, None where the answer names no label.
    """

    boxes: FloatArray
    scores: FloatArray
    labels: tuple[str | None, ...]
    status: Status
    issues: tuple[Issue, ...]

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """One box read from an answer: (4,) float64 x1, y1, x2, y2, or None with the issues that say why."""

    box: FloatArray | None
    status: Status
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """The label text of an answer, without quotes, markup or key; ``""`` where there is none."""

    text: str
    status: Status
    issues: tuple[Issue, ...]
