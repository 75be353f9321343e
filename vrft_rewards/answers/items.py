"""What belongs to which box: corners, points, confidences and labels, put together as the scanner meets them."""

from __future__ import annotations

from collections.abc import Sequence

from .raw import Corners, RawBox, ScanResult
from .tokens import CORNER_POINTS, POINT_KEYS
from .types import IssueKind

__all__ = ["Items"]

Point = tuple[float, float, int, int, str, str]
"""x, y, the offsets of its brackets, the opening bracket, and the key."""


class Items:
    """Collects boxes into a result. An item is what stands between a pair of braces, or the whole answer."""

    def __init__(self, text: str, result: ScanResult) -> None:
        self.text = text
        self.result = result
        self.boxes = result.boxes
        self.first = 0  # index of the first box of the current item
        self.confidence: float | None = None
        self.pending: float | None = None  # a confidence that no box has taken yet
        self.label: str | None = None
        self.corners: dict[int, float] = {}
        self.corners_at = 0
        self.points: list[Point] = []

    def begin(self) -> None:
        """Begin an item."""
        self._settle()
        self.first = len(self.boxes)
        self.corners.clear()

    def close(self) -> bool:
        """Close an item; what comes until the next one begins still belongs to it. False when it gave nothing."""
        useful = len(self.boxes) > self.first
        if self.pending is not None and not useful:
            # {'Position': [...]}, {'Confidence': 0.9}: it belongs to the box just before.
            if self.boxes and self.boxes[-1].confidence is None:
                self.boxes[-1].confidence = self.pending
                useful = True
            self.pending = None
        self._settle()
        return useful

    def _settle(self) -> None:
        """Give the item's last confidence and label to those of its boxes that came after them."""
        if self.confidence is not None or self.label is not None:
            for box in self.boxes[self.first :]:
                box.confidence = self.confidence if box.confidence is None else box.confidence
                box.label = self.label if box.label is None else box.label
        self.confidence = self.pending = self.label = None

    def add_box(self, numbers: Corners, start: int, end: int) -> None:
        """Add a box written as four numbers."""
        self.flush_points()
        self._append(numbers, start, end)

    def _append(self, numbers: Corners, start: int, end: int) -> None:
        self.boxes.append(RawBox(numbers, start, end, self.pending))
        self.pending = None

    def add_corner(self, index: int, value: float, start: int, end: int) -> None:
        """Add one of the four numbers of a box, known by its key; with the fourth the box is whole."""
        if not self.corners:
            self.corners_at = start
        self.corners[index] = value
        if len(self.corners) == 4:
            corners, self.corners = self.corners, {}
            self.add_box((corners[0], corners[1], corners[2], corners[3]), self.corners_at, end)

    def add_point(self, point: Point) -> None:
        """Add a pair of numbers: a named corner, or a point that may turn out to be one."""
        x, y, start, end, _, key = point
        if key not in CORNER_POINTS:
            self.points.append(point)
            return
        index = CORNER_POINTS[key]
        self.add_corner(index, x, start, end)
        self.add_corner(index + 1, y, start, end)

    def add_confidence(self, value: float) -> None:
        """Give a confidence to the item's boxes that have none yet, or else to the next one."""
        index = len(self.boxes)
        # Backwards to the first box that has one, so that each box is visited once.
        while index > self.first and self.boxes[index - 1].confidence is None:
            index -= 1
            self.boxes[index].confidence = value
        if index == len(self.boxes):
            self.pending = value
        self.confidence = value

    def add_confidences(self, values: Sequence[float]) -> bool:
        """Give the confidences of a list to the item's boxes; return False when it doesn't have as many without one."""
        if len(values) == 1:
            self.add_confidence(values[0])
            return True
        start = len(self.boxes) - len(values)
        if start < self.first or (start > self.first and self.boxes[start - 1].confidence is None):
            return False
        lacking = self.boxes[start:]
        if any(box.confidence is not None for box in lacking):
            return False
        for box, value in zip(lacking, values, strict=True):
            box.confidence = value
        return True

    def add_label(self, text: str) -> None:
        """Give a label to the item's boxes that have none yet."""
        index = len(self.boxes)
        while index > self.first and self.boxes[index - 1].label is None:
            index -= 1
            self.boxes[index].label = text
        self.label = text

    def flush_points(self) -> None:
        """Turn points written next to each other into boxes: (x1, y1), (x2, y2)."""
        points, self.points = self.points, []
        if not points:
            return
        # Round brackets are the corner dialect and may list several boxes; in square ones four points
        # could as well be a polygon, so only a lone pair is a box.
        opener, key = points[0][4], points[0][5]
        alike = all(point[4] == opener and point[5] in ("", key) for point in points)
        whole = len(points) == 2 or (opener == "(" and len(points) % 2 == 0)
        if not (alike and whole) or any(part in key for part in POINT_KEYS):
            self.result.points += [(point[0], point[1]) for point in points]
            self.result.add_issue(self.text, IssueKind.NOT_A_BOX, points[0][2], points[-1][3])
            return
        for first, second in zip(points[::2], points[1::2], strict=True):
            self._append((first[0], first[1], second[0], second[1]), first[2], second[3])
