"""What an answer to a gate question says. Total: any text, linear time, and 'unclear' where nothing can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from vrft_rewards import LabelMatcher, Status, parse_detections, parse_response
from vrft_rewards.labels.normalise import tokens

Verdict = Literal["yes", "no", "unclear"]

_CHARS = 8_000
"""Characters of an answer to yes or no that are read; it stands at the beginning."""

_LIST_CHARS = 200_000
_NEAR = 200
"""Names of a list that are compared by likeness; more of them than this is no list of a data set's categories."""

_YES = frozenset({"yes", "yeah", "yep", "true"})
_NO = frozenset({"no", "nope", "none", "false"})
_UNSURE = re.compile(r"\b(?:no idea|not sure|unsure|uncertain|unclear|maybe|perhaps|possibly|do not know|dont know)\b")
_PIECE = re.compile(r"[\n\t,;|\[\]{}\"“”]|\s\d{1,4}[.):](?=\s)|\.(?=\s|$)")
_BULLET = re.compile(
    r"^[\s\d.):*•'-]+(?:x\s)?|^(?:one|two|three|four|five|six|seven|eight|nine|ten|some|several|many|multiple)\s",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\s(?:and|or|&)\s", re.IGNORECASE)


def said(completion: str) -> str:
    """What a model answered: inside its answer tags, else whatever is not its thinking.

    >>> said("<think>A cat?</think><answer>Yes</answer>"), said("<think>A cat?</think> Yes")
    ('Yes', ' Yes')
    """
    response = parse_response(completion)
    if response.answer is not None:
        return response.answer
    return completion if response.think_span is None else _after_think(completion, response.think_span[1])


def _after_think(completion: str, end: int) -> str:
    # The span ends before the closing tag; an unclosed one runs to the end.
    return completion[end:].partition(">")[2]


def read_yes_no(completion: str) -> Verdict:
    """Whether an answer says yes or no.

    The first word decides. Where it is neither, a yes or a no further on does, unless there are both; then boxes, as
    models that were tuned to nothing else answer (some are a yes, 'No Objects' is a no), or 'there is' with or without
    'not'. Doubt is unclear.

    >>> read_yes_no("Yes, there is."), read_yes_no("The answer is no."), read_yes_no("Yes or no?")
    ('yes', 'no', 'unclear')
    >>> read_yes_no("<think>A cat.</think><answer>[{'Position': [1, 2, 30, 40], 'Confidence': 0.9}]</answer>")
    'yes'
    """
    text = said(completion)[:_CHARS]
    words = tokens(text)
    if not words:
        return "no" if _nothing(text) else "unclear"
    if _UNSURE.search(" ".join(words)):
        return "unclear"
    first, second = words[0], words[1] if len(words) > 1 else ""
    if first in _YES | _NO:
        opposite = _NO if first in _YES else _YES
        return "unclear" if second == "or" or second in opposite else "yes" if first in _YES else "no"
    affirmed, denied = "yes" in words, "no" in words
    if affirmed or denied:
        return "unclear" if affirmed and denied else "yes" if affirmed else "no"
    found = parse_detections(text)
    if len(found.boxes):
        return "yes"
    if found.status is Status.NO_OBJECTS:
        return "no"
    return "yes" if words[:2] in {("there", "is"), ("there", "are")} and "not" not in words else "unclear"


def _nothing(text: str) -> bool:
    return parse_detections(text).status is Status.NO_OBJECTS


@dataclass(frozen=True)
class NamesRead:
    """The names of a list that are known, how many are not, and whether the answer could be read at all."""

    names: frozenset[str] = field(default_factory=frozenset)
    unknown: int = 0
    unclear: bool = False


def read_names(completion: str, matcher: LabelMatcher) -> NamesRead:
    """Which of the matcher's labels an answer lists, separated in any way.

    An answer that says that there is nothing names none; one that names none otherwise is unclear.

    >>> matcher = LabelMatcher(["cat", "fire hydrant"])
    >>> sorted(read_names("1. Cats, fire_hydrant and a zebra", matcher).names)
    ['cat', 'fire hydrant']
    >>> read_names("None.", matcher).unclear, read_names("I am a language model", matcher).unclear
    (False, True)
    """
    text = said(completion)[:_LIST_CHARS]
    found: set[str] = set()
    missed: list[str] = []
    for piece in _pieces(_PIECE.split(text)):
        name = matcher.named(piece)
        if name is None:
            missed.append(piece)
        else:
            found.add(name)
    unknown = len(missed[_NEAR:])
    for piece in missed[:_NEAR]:
        names = _near(piece, matcher)
        found |= names
        unknown += not names
    if found:
        return NamesRead(frozenset(found), unknown)
    nothing = _nothing(text)
    return NamesRead(unclear=not nothing, unknown=0 if nothing else unknown)


def _near(piece: str, matcher: LabelMatcher) -> set[str]:
    whole = matcher.match(piece).label
    if whole is not None:
        return {whole}
    parts = [matcher.match(part).label for part in _pieces(_JOINED.split(piece))]
    return {label for label in parts if label is not None}


def _pieces(texts: Iterable[str]) -> list[str]:
    """Pieces with letters or digits, each once, without what numbers a list."""
    stripped = (_BULLET.sub("", text[:400]).strip(" '`*") for text in texts)
    return list(dict.fromkeys(piece for piece in stripped if piece))
