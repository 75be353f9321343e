"""The tolerant scanner: one pass over the tokens of an answer, whatever dialect it is written in.

It never builds the nested structure that an answer pretends to have, because broken answers don't have
it. It looks for what can't be mistaken: four plain numbers in a pair of brackets are a box, and a
confidence key names the confidence of the boxes around it. So a list that is cut off, doubled or closed by
the wrong bracket still gives each of its intact boxes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial

from .raw import RawBox, ScanResult
from .tokens import BOXLESS_KEYS, CORNERS, EMPTY_WORDS, LABEL_KEYS, LABEL_VALUE, NOT_FINITE, TOKEN, is_confidence
from .types import EXCERPT, Issue, IssueKind

__all__ = ["MAX_CHARS", "scan"]

MAX_CHARS = 131_072
"""Characters of an answer that are read; 1,000 boxes take about 70,000."""

_MAX_COORDINATE = 1e7


@dataclass(slots=True)
class _Group:
    """The innermost open bracket."""

    opener: str
    start: int
    key: str
    numbers: list[float] = field(default_factory=list)
    clean: bool = True


def scan(text: str) -> ScanResult:
    """Read an answer. Total, and linear in the text (of which at most MAX_CHARS are read)."""
    return _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text if len(text) <= MAX_CHARS else text[:MAX_CHARS]
        self.whole = text
        self.end = len(self.text.rstrip())
        self.result = ScanResult()
        self.issue = partial(self.result.add_issue, self.text)
        self.group: _Group | None = None
        self.key = ""  # the key whose value comes next
        self.word = ""  # the last token if it was a word: what a colon makes a key
        self.word_counted = False
        self.in_item = False
        self.item_boxes = 0  # index of the first box of the current item
        self.item_confidence: float | None = None
        self.pending: float | None = None
        self.item_label: str | None = None
        self.corners: dict[int, float] = {}
        self.corners_at = 0
        self.points: list[tuple[float, float, int, int, str]] = []
        self.root: list[float] = []
        self.root_clean = True
        self.after_box = 0  # 1: a box was just closed; 2: and a comma followed
        self.previous = ""

    def run(self) -> ScanResult:
        skip_to = 0
        for token in TOKEN.finditer(self.text):
            start = token.start()
            if start < skip_to:
                continue
            kind = token.lastgroup or ""
            if kind in ("fence", "escape"):
                continue
            if kind == "number":
                self.on_number(token.group(), start, token.end())
            elif kind == "word":
                self.on_word(token.group(), start)
            elif kind == "key":
                skip_to = self.on_key(token.end())
            elif kind in ("open", "tag_open"):
                self.on_open("(" if token.group() == "(" else "[", start)
            elif kind in ("close", "tag_close"):
                self.on_close(token.end())
            elif kind == "brace_open":
                self.on_brace_open()
            elif kind == "brace_close":
                self.on_brace_close(start)
            elif kind == "comma":
                self.after_box = 2 if self.after_box == 1 else 0
                if self.group is None or not self.group.numbers:
                    self.key = ""
            elif kind == "junk":
                if self.group is not None:
                    self.group.clean = False
                if token.group() not in ".":
                    self.root_clean = False
                self.after_box = 0
            if kind != "word":
                self.word = ""
            self.previous = kind
        self.finish()
        return self.result

    def on_number(self, raw: str, start: int, end: int) -> None:
        value = float(raw)
        if not math.isfinite(value) or abs(value) > _MAX_COORDINATE:
            self.issue(IssueKind.NOT_A_NUMBER, start, end)
            if self.group is not None:
                self.group.clean = False
            self.root_clean = False
            self.key = ""
            return
        if self.key and (self.group is None or not self.group.numbers):
            key, self.key = self.key, ""
            if self.in_item and end == self.end:
                self.issue(IssueKind.TRUNCATED, start)
                return
            if is_confidence(key):
                percent = self.text.startswith("%", end)
                self.on_confidence(value / 100 if percent else value)
                return
            if key in CORNERS:
                self.on_corner(CORNERS[key], value, start, end)
                return
        if self.group is not None:
            self.group.numbers.append(value)
            return
        boxes = self.result.boxes
        if self.after_box == 2 and boxes and boxes[-1].confidence is None and 0 <= value <= 1:
            boxes[-1].confidence = value  # the dialect [[x1, y1, x2, y2], confidence]
        self.after_box = 0
        self.root.append(value)

    def on_word(self, word: str, start: int) -> None:
        lowered = word.lower()
        self.word_counted = lowered not in EMPTY_WORDS
        if self.word_counted:
            self.result.words += 1
            self.result.last_words_at = start
        else:
            self.result.empties += 1
        if self.key and lowered in NOT_FINITE and is_confidence(self.key):
            self.issue(IssueKind.CONFIDENCE_UNREADABLE, start, start + len(word))
        if self.group is not None:
            self.group.clean = False
            if lowered in NOT_FINITE:
                self.issue(IssueKind.NOT_A_NUMBER, start, start + len(word))
        self.root_clean = False
        self.after_box = 0
        if self.previous == "word":
            self.key = ""
        # 'x_min', 'bbox_2d' and 'Position ' are read without their decoration.
        self.word = lowered.replace("_", "")

    def on_key(self, end: int) -> int:
        """Make the last word a key. Returns the offset up to which the text has been used."""
        self.after_box = 0
        if self.previous != "word":
            return 0
        if self.word_counted:
            self.result.words -= 1
        self.flush_points()
        self.key = self.word
        if self.key in LABEL_KEYS or self.key.endswith("name"):
            match = LABEL_VALUE.match(self.text, end)
            if match is not None:
                self.on_label(match["text"].strip())
                self.key = ""
                return match.end()
        return 0

    def on_open(self, opener: str, start: int) -> None:
        if self.group is not None and self.group.numbers:
            self.issue(IssueKind.NOT_A_BOX, self.group.start)
        inherited = self.group.key if self.group is not None else ""
        self.group = _Group(opener, start, self.key or inherited)
        self.key = ""
        self.after_box = 0

    def on_close(self, end: int) -> None:
        group, self.group = self.group, None
        self.key = ""
        if group is None:
            self.flush_points()
            return
        count = len(group.numbers)
        if is_confidence(group.key) and group.clean and count == 1:
            self.on_confidence(group.numbers[0])
        elif group.key in BOXLESS_KEYS:
            return
        elif group.clean and count == 4:
            a, b, c, d = group.numbers
            self.on_box((a, b, c, d), group.start, end)
            self.after_box = 1
        elif group.clean and count == 5 and 0 <= group.numbers[4] <= 1:
            a, b, c, d, confidence = group.numbers
            self.on_box((a, b, c, d), group.start, end)
            self.result.boxes[-1].confidence = confidence
        elif group.clean and count == 2:
            first, second = group.numbers
            self.points.append((first, second, group.start, end, group.opener + group.key))
        elif count:
            self.issue(IssueKind.NOT_A_BOX, group.start, end)
        elif group.clean and self.previous in ("open", "tag_open"):
            self.result.empties += 1

    def on_brace_open(self) -> None:
        if self.group is not None and self.group.numbers:
            self.issue(IssueKind.NOT_A_BOX, self.group.start)
        self.flush_points()
        self.group = None
        if not self.key:  # otherwise the value of a key in the same item: {"bbox": {"x1": ...}}
            self.end_item()
        self.key = ""
        self.in_item = True
        self.after_box = 0

    def on_brace_close(self, start: int) -> None:
        if self.group is not None and self.group.numbers:
            self.issue(IssueKind.NOT_A_BOX, self.group.start, start)
        self.flush_points()
        self.group = None
        self.key = ""
        if self.previous == "brace_open":
            self.result.empties += 1
        if self.pending is not None and len(self.result.boxes) == self.item_boxes:
            # {'Position': [...]}, {'Confidence': 0.9}: it belongs to the box just before.
            if self.result.boxes and self.result.boxes[-1].confidence is None:
                self.result.boxes[-1].confidence = self.pending
            self.pending = None
        self.settle_item()
        self.in_item = False

    def settle_item(self) -> None:
        """Give the item's last confidence and label to those of its boxes that came after them."""
        if self.item_confidence is not None or self.item_label is not None:
            for box in self.result.boxes[self.item_boxes :]:
                box.confidence = self.item_confidence if box.confidence is None else box.confidence
                box.label = self.item_label if box.label is None else box.label
        self.item_confidence = self.pending = self.item_label = None

    def end_item(self) -> None:
        self.settle_item()
        self.item_boxes = len(self.result.boxes)
        self.corners.clear()

    def on_confidence(self, value: float) -> None:
        boxes = self.result.boxes
        index = len(boxes)
        # Backwards to the first box that has one, so that each box is visited once.
        while index > self.item_boxes and boxes[index - 1].confidence is None:
            index -= 1
            boxes[index].confidence = value
        if index == len(boxes):
            self.pending = value
        self.item_confidence = value

    def on_label(self, text: str) -> None:
        boxes = self.result.boxes
        index = len(boxes)
        while index > self.item_boxes and boxes[index - 1].label is None:
            index -= 1
            boxes[index].label = text
        self.item_label = text

    def on_corner(self, index: int, value: float, start: int, end: int) -> None:
        if not self.corners:
            self.corners_at = start
        self.corners[index] = value
        if len(self.corners) == 4:
            corners, self.corners = self.corners, {}
            self.on_box((corners[0], corners[1], corners[2], corners[3]), self.corners_at, end)

    def on_box(self, numbers: tuple[float, float, float, float], start: int, end: int) -> None:
        self.flush_points()
        box = RawBox(numbers, start, end, self.pending)
        self.pending = None
        self.result.boxes.append(box)

    def flush_points(self) -> None:
        """Turn points written next to each other into boxes: (x1, y1), (x2, y2)."""
        points, self.points = self.points, []
        if not points:
            return
        # Round brackets are the corner dialect and may list several boxes; in square ones four points
        # could as well be a polygon, so only a lone pair is a box.
        pairs = len(points) % 2 == 0 and all(point[4] == "(" for point in points)
        lone_pair = len(points) == 2 and points[0][4] == points[1][4] and "point" not in points[0][4]
        if not (pairs or lone_pair):
            self.result.points += [(point[0], point[1]) for point in points]
            self.issue(IssueKind.NOT_A_BOX, points[0][2], points[-1][3])
            return
        for first, second in zip(points[::2], points[1::2], strict=True):
            numbers = (first[0], first[1], second[0], second[1])
            box = RawBox(numbers, first[2], second[3], self.pending)
            self.pending = None
            self.result.boxes.append(box)

    def finish(self) -> None:
        if self.group is not None and (self.group.numbers or self.group.key):
            self.issue(IssueKind.TRUNCATED, self.group.start)
        self.flush_points()
        self.end_item()
        if not self.result.boxes and self.root_clean and len(self.root) == 4:
            a, b, c, d = self.root  # the whole answer is "10, 20, 30, 40"
            self.result.boxes.append(RawBox((a, b, c, d), 0, self.end))
        if len(self.whole) > MAX_CHARS:
            self.issue(IssueKind.TOO_LONG, MAX_CHARS - EXCERPT)
        if self.result.dropped_issues:
            self.result.issues.append(
                Issue(IssueKind.TOO_MANY_ISSUES, f"and {self.result.dropped_issues} more", self.end)
            )
