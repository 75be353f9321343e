"""Hypothesis strategies for testing a parser or a reward: responses, detections, labels, near misses, hostile text.

Needs Hypothesis, the extra ``vrft[test]``; nothing else of the package imports this module.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .audit.writer import DIALECTS, Box, Dialect, Writer

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError(
        "vrft_rewards.testing needs Hypothesis, which isn't installed: pip install 'vrft[test]'"
    ) from None

__all__ = [
    "Answer",
    "Said",
    "WrittenResponse",
    "box_hits",
    "box_misses",
    "boxes",
    "broken_responses",
    "confidences",
    "detections",
    "hostile_text",
    "label_answers",
    "label_misses",
    "responses",
]


@dataclass(frozen=True, slots=True)
class Answer:
    """A detection answer and what it says: n boxes x1, y1, x2, y2 and n confidences (None: not given)."""

    text: str
    boxes: tuple[Box, ...]
    confidences: tuple[float | None, ...]
    dialect: Dialect


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that names a label, in whatever spelling."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class WrittenResponse:
    """A well-formed response and the parts it was put together from."""

    text: str
    think: str
    answer: str


def boxes(width: int = 1000, height: int = 1000, least_side: int = 1) -> st.SearchStrategy[Box]:
    """Valid boxes of whole numbers inside (0, 0, width, height), each side at least ``least_side``.

    Raises ValueError when no such box fits.
    """
    if not 1 <= least_side <= min(width, height):
        raise ValueError(f"least_side: expected 1 to {min(width, height)}, got {least_side!r}")

    @st.composite
    def build(draw: st.DrawFn) -> Box:
        x1, y1 = draw(st.integers(0, width - least_side)), draw(st.integers(0, height - least_side))
        return x1, y1, draw(st.integers(x1 + least_side, width)), draw(st.integers(y1 + least_side, height))

    return build()


def confidences() -> st.SearchStrategy[float]:
    """Confidences of two decimals in [0, 1], as models write them."""
    return st.integers(0, 100).map(lambda value: value / 100)


def _inside(box: Box, least: float, below: float) -> st.SearchStrategy[Box]:
    """Boxes inside a box whose share of its area, which is their IoU with it, is in [least, below)."""
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    area = width * height
    low, high = max(1, math.ceil(least * area)), math.ceil(below * area) - 1
    if not (x1 < x2 and y1 < y2 and low <= high):
        raise ValueError(f"box: no box of whole numbers inside {box} has IoU in [{least:g}, {below:g})")
    sides = [
        (w, shortest, longest)
        for w in range(1, width + 1)
        if (shortest := -(-low // w)) <= (longest := min(height, high // w))
    ]
    if not sides:
        raise ValueError(f"box: no box of whole numbers inside {box} has IoU in [{least:g}, {below:g})")

    @st.composite
    def build(draw: st.DrawFn) -> Box:
        w, shortest, longest = draw(st.sampled_from(sides))
        h = draw(st.integers(shortest, longest))
        left, top = draw(st.integers(x1, x2 - w)), draw(st.integers(y1, y2 - h))
        return left, top, left + w, top + h

    return build()


def box_hits(box: Box, threshold: float = 0.5) -> st.SearchStrategy[Box]:
    """Boxes inside a box of whole numbers with IoU of at least the threshold, up to the box itself."""
    return _inside(box, threshold, 1.0 + 1e-9)


def box_misses(box: Box, threshold: float = 0.5) -> st.SearchStrategy[Box]:
    """Near misses: boxes inside a box of whole numbers with IoU below the threshold, and at least half of it.

    Raises ValueError for a box so small that there is none.
    """
    return _inside(box, threshold / 2, threshold)


def detections(
    min_size: int = 0,
    max_size: int = 8,
    *,
    dialects: Sequence[Dialect] = DIALECTS,
    box: st.SearchStrategy[Box] | None = None,
) -> st.SearchStrategy[Answer]:
    """Answers of the dialects that models write, with the boxes and confidences they hold; none: ``No Objects``."""
    chosen = boxes() if box is None else box

    @st.composite
    def build(draw: st.DrawFn) -> Answer:
        dialect = draw(st.sampled_from(tuple(dialects)))
        found = tuple(draw(st.lists(chosen, min_size=min_size, max_size=max_size)))
        silent = dialect in ("bare", "corners")
        stated = st.none() if silent else st.none() | confidences()
        given = tuple(draw(st.lists(stated, min_size=len(found), max_size=len(found))))
        if not found:
            return Answer(draw(st.sampled_from(("No Objects", "no objects.", "[]", "None"))), (), (), dialect)
        texts = [None if value is None else str(value) for value in given]
        return Answer(Writer(dialect).boxes(found, texts), found, given, dialect)

    return build()


_PLAIN = st.text(st.characters(exclude_characters="<>", exclude_categories=["Cs"]), min_size=1, max_size=80)


def responses(answer: st.SearchStrategy[str]) -> st.SearchStrategy[WrittenResponse]:
    """Well-formed responses, one think block and one answer block around the given answers (none of them blank)."""

    @st.composite
    def build(draw: st.DrawFn) -> WrittenResponse:
        think = draw(_PLAIN.filter(lambda text: not text.isspace()))
        said, between = draw(answer), draw(st.sampled_from(("", " ", "\n", "\n\n")))
        return WrittenResponse(f"<think>{think}</think>{between}<answer>{said}</answer>", think, said)

    return build()


_TAGS = ("<think>", "</think>", "<answer>", "</answer>")
_ODD_TAGS = (*_TAGS, "<THINK>", "< answer >", "</ Answer>", "<answer", "think>", "<<answer>>")


def broken_responses(answer: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Responses whose tags are missing, repeated, out of order, nested or misspelt, around the given answers.

    Some come out well formed by chance.
    """
    pieces = st.one_of(st.sampled_from(_ODD_TAGS), answer, st.sampled_from((" ", "\n", "well, ")))
    return st.lists(pieces, max_size=12).map("".join)


_FRAGMENTS = (
    *_ODD_TAGS,
    *"[](){}<>,:;'\"\\%`\n\t \0",
    *("Position", "Confidence", "bbox_2d", "label", "x1", "y1", "x2", "y2", "<box>", "</box>", "<|box_start|>"),
    *("0", "1", "12", "999", "-5", "0.5", ".5", "1.", "1e3", "1e999", "NaN", "-Infinity", "0x10", "1_0", "9" * 400),
    *("null", "None", "true", "...", "No Objects", "not", "```json\n", "```"),
    *("[10, 20, 300, 400]", "[300, 400, 10, 20]", "{'Position': [1, 2, 30, 40], 'Confidence': 0.5}", "(1,2),(30,40)"),
    *("１２", "٣", "\u202e", "\u200b", "\ufeff", "\ud800", "\U0001f600", "e\u0301", "ﬁ", "İ", "ß"),
)
_REPEATED = (
    "<answer>",
    "</think><answer></answer>",
    "[",
    "{'Position': ",
    "(",
    "1",
    "1.",
    "[1,2,3,4],",
    "'",
    " ",
    "\\",
)


def hostile_text(max_size: int = 2000) -> st.SearchStrategy[str]:
    """Text that breaks parsers: any characters with lone surrogates, shreds of answers, one thing over and over."""
    shreds = st.lists(st.sampled_from(_FRAGMENTS), max_size=40).map("".join)
    anything = st.text(st.characters(), max_size=min(max_size, 100))
    repeated = st.builds(lambda piece, count: piece * count, st.sampled_from(_REPEATED), st.integers(1, max_size))
    wrapped = st.one_of(shreds, repeated).map(lambda text: f"<think>a</think><answer>{text}</answer>")
    return st.one_of(anything, shreds, repeated, wrapped).map(lambda text: text[:max_size])


def label_answers(labels: Sequence[str]) -> st.SearchStrategy[Said]:
    """Answers that name one of the labels: in another case, with underscores, quotes, a full stop, or in a sentence.

    Raises ValueError for an empty list.
    """
    if not labels:
        raise ValueError("labels: the list is empty")
    case = st.sampled_from((str, str.upper, str.lower, str.title))
    spaces = st.sampled_from((" ", "_", "  "))
    around = st.sampled_from(("{}", " {}\n", "{}.", '"{}"', "**{}**", "the {}", "It is a {}."))
    return st.builds(
        lambda label, cased, space, frame: Said(frame.format(cased(label).replace(" ", space)), label),
        st.sampled_from(tuple(labels)),
        case,
        spaces,
        around,
    )


def label_misses(label: str) -> st.SearchStrategy[str]:
    """Answers that come close to a label and don't name it: in a longer name, negated, in part, another digit."""
    answers = [
        "",
        " ",
        ".",
        label[: len(label) // 3],
        label[:1],
        f"not {label}",
        f"It isn't a {label}.",
        f"mock {label}",
    ]
    answers += [label[:at] + str((int(char) + 1) % 10) + label[at + 1 :] for at, char in _digits(label)]
    words = label.split()
    answers += words if len(words) > 1 else []
    return st.sampled_from(answers)


def _digits(text: str) -> list[tuple[int, str]]:
    return [(at, char) for at, char in enumerate(text) if char in "0123456789"]
