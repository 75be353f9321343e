"""Does an answer without boxes say that there are none?"""

from __future__ import annotations

import re

from .raw import ScanResult

__all__ = ["says_no_objects", "says_nothing"]

_CHARS = 600
"""A statement that there is nothing comes early and is short; the rest isn't read."""

_ZERO = re.compile(r"(?<![\d.])0 (?=[a-z])")
_MARKS = re.compile(r"[.,;:!?\n]+")
_SPACES = re.compile(r"[^a-z'/.]+")
_WHOLE = frozenset(
    {
        "none",
        "null",
        "nothing",
        "n/a",
        "empty",
        "empty list",
        "no",
        "noobject",
        "noobjects",
        "absent",
        "not found",
        "not present",
        "not visible",
        "not detected",
    }
)
_W = r"(?:[a-z'/]+ ){0,%d}?"
_NO = r"(?:no|zero)"
_SEEN = r"(?:in|visible|present|found|detected|seen|identified|shown|depicted|available)"
_THINGS = r"(?:objects?|instances?|detections?|items?|results?|bounding|boxes|box)"
_ELSE = r"(?! (?:doubt|question|way|need|reason|mistake|problem|hesitation|uncertainty)\b)"
"""What else there can be none of: 'There is no doubt that ...'."""
_SENTENCE = re.compile(
    rf"\b{_NO} {_W % 3}{_THINGS}\b"
    rf"|\b{_NO}{_ELSE} {_W % 4}{_SEEN}\b"
    rf"|\bthere (?:is|are|was|were|exists?|appears? to be|seems? to be) (?:{_NO}|none|not|nothing)\b{_ELSE}"
    rf"|\b(?:is|are|was|were|be) not (?:clearly )?{_SEEN}\b"
    r"|\b(?:can|could|did|do|does) not (?:see|find|detect|identify|contain|include|show|have|appear|exist)\b"
    r"|\bunable to (?:see|find|detect|identify|locate|spot)\b"
    rf"|\b(?:contains|has|have|shows|with) (?:{_NO}|none)\b{_ELSE}"
    r"|\bwithout any\b(?! (?:doubt|question))"
    rf"|\bnone (?:of )?(?:the |these |those )?(?:[a-z]+ )?{_THINGS}\b"
    rf"|\bnone (?:is |are |was |were )?{_SEEN}\b|\bnothing (?:to|was|is|found|detected)\b"
)
# 'No bus', 'no hot dogs here': nothing but that. 'No idea' and 'no, it is a bus' are something else.
_NO_SUCH = re.compile(
    r"no (?!(?:idea|clue|answer|way|problem|comment|doubt|question|information|image|picture|one|more|less|longer|need"
    r"|reason|thanks|it|he|she|this|that|there|the|a|an|i|we|you|is|are|was|but|and|or)\b)[a-z']+(?: [a-z']+){0,2}"
)


def says_no_objects(text: str) -> bool:
    """Whether words say that there are no such objects: 'No Objects', 'No bus', or an English sentence.

    >>> says_no_objects("['No Objects']"), says_no_objects("There are no buses in the image.")
    (True, True)
    >>> says_no_objects("a bus and a train"), says_no_objects("No, there is a bus.")
    (False, False)
    """
    lowered = text[:_CHARS].lower().replace("’", "'").replace('"', " ")
    # A full stop stands for every mark between clauses, and no pattern reaches over it.
    marked = _SPACES.sub(" ", _MARKS.sub(" . ", _ZERO.sub("zero ", lowered)))
    words = " ".join(marked.split()).strip(" '/.")
    words = words.replace("cannot", "can not").replace("can't", "can not").replace("n't", " not")
    return words in _WHOLE or _NO_SUCH.fullmatch(words) is not None or _SENTENCE.search(words) is not None


def says_nothing(result: ScanResult) -> bool:
    """Whether an answer is explicitly empty: ``[]``, ``None``, ``{}``, ``[{'Position': []}]``."""
    return result.empties > 0 and result.words == 0 and not result.boxes and not result.issues
