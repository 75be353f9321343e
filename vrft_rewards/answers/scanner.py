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

from .items import Items
from .raw import RawBox, ScanResult
from .tokens import (
    BOXLESS_KEYS,
    CORNERS,
    EMPTY_WORDS,
    LABEL_KEYS,
    LABEL_VALUE,
    NOT_FINITE,
    PERCENT,
    TOKEN,
    is_confidence,
)
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
        self.items = Items(self.text, self.result)
        self.group: _Group | None = None
        self.key = ""  # the key whose value comes next
        self.word = ""  # the last token if it was a word: what a colon makes a key
        self.word_counted = False
        self.in_item = False
        self.item_start = -1  # where the item's brace is; -1 for one that is a key's value
        self.item_issues = 0  # issues there were before it
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
                self.on_open("(" if token.group() in "(（" else "[", start)
            elif kind in ("close", "tag_close"):
                self.on_close(token.end())
            elif kind == "brace_open":
                self.on_brace_open(start)
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
        if self.group is None and self.previous == "word" and is_confidence(self.word):
            self.key = self.word  # "with confidence 0.9", where a colon is missing
        if self.key and (self.group is None or not self.group.numbers):
            key, self.key = self.key, ""
            if self.in_item and end == self.end:
                self.issue(IssueKind.TRUNCATED, start)
                return
            if is_confidence(key):
                percent = PERCENT.match(self.text, end)
                self.items.add_confidence(value / 100 if percent else value)
                return
            if key in CORNERS:
                self.items.add_corner(CORNERS[key], value, start, end)
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
        # 'x_min', 'top-left' and 'Position ' are read without their decoration.
        self.word = lowered.replace("_", "").replace("-", "")

    def on_key(self, end: int) -> int:
        """Make the last word a key. Returns the offset up to which the text has been used."""
        self.after_box = 0
        if self.previous != "word":
            return 0
        if self.word_counted:
            self.result.words -= 1
        self.items.flush_points()
        self.key = self.word
        if self.key in LABEL_KEYS or self.key.endswith("name"):
            match = LABEL_VALUE.match(self.text, end)
            if match is not None:
                self.items.add_label((match["text"] or match["curly"] or "").strip())
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
            self.items.flush_points()
            return
        count = len(group.numbers)
        if is_confidence(group.key) and group.clean and count and (count != 4 or max(group.numbers) <= 1):
            if not self.items.add_confidences(group.numbers):
                self.issue(IssueKind.CONFIDENCE_UNREADABLE, group.start, end)
        elif group.key in BOXLESS_KEYS:
            return
        elif group.clean and count == 4:
            a, b, c, d = group.numbers
            self.items.add_box((a, b, c, d), group.start, end)
            self.after_box = 1
        elif group.clean and count == 5 and 0 <= group.numbers[4] <= 1:
            a, b, c, d, confidence = group.numbers
            self.items.add_box((a, b, c, d), group.start, end)
            self.result.boxes[-1].confidence = confidence
        elif group.clean and count == 2:
            first, second = group.numbers
            self.items.add_point((first, second, group.start, end, group.opener, group.key))
        elif count:
            self.issue(IssueKind.NOT_A_BOX, group.start, end)
        elif group.clean and self.previous in ("open", "tag_open"):
            self.result.empties += 1

    def on_brace_open(self, start: int) -> None:
        if self.group is not None and self.group.numbers:
            self.issue(IssueKind.NOT_A_BOX, self.group.start)
        self.items.flush_points()
        self.group = None
        self.item_start = -1 if self.key else start
        self.item_issues = len(self.result.issues)
        if not self.key:  # otherwise the value of a key in the same item: {"bbox": {"x1": ...}}
            self.items.begin()
        self.key = ""
        self.in_item = True
        self.after_box = 0

    def on_brace_close(self, start: int) -> None:
        if self.group is not None and self.group.numbers:
            self.issue(IssueKind.NOT_A_BOX, self.group.start, start)
        self.items.flush_points()
        self.group = None
        self.key = ""
        if self.previous == "brace_open":
            self.result.empties += 1
        useful = self.items.close()
        explained = len(self.result.issues) > self.item_issues or self.previous == "brace_open"
        if self.in_item and self.item_start >= 0 and not useful and not explained:
            self.issue(IssueKind.EMPTY_ITEM, self.item_start, start + 1)
        self.in_item = False

    def finish(self) -> None:
        if self.group is not None and (self.group.numbers or self.group.key):
            self.issue(IssueKind.TRUNCATED, self.group.start)
        self.items.flush_points()
        self.items.begin()
        if not self.result.boxes and self.root_clean and len(self.root) == 4:
            a, b, c, d = self.root  # the whole answer is "10, 20, 30, 40"
            self.result.boxes.append(RawBox((a, b, c, d), 0, self.end))
        if not self.result.boxes:  # then it is the whole answer that holds no box, and what it says instead is told
            self.result.issues = [i for i in self.result.issues if i.kind is not IssueKind.EMPTY_ITEM]
        if len(self.whole) > MAX_CHARS:
            self.issue(IssueKind.TOO_LONG, MAX_CHARS - EXCERPT)
        if self.result.dropped_issues:
            self.result.issues.append(
                Issue(IssueKind.TOO_MANY_ISSUES, f"and {self.result.dropped_issues} more", self.end)
            )
