"""Does an answer without boxes say that there are none?"""

from __future__ import annotations

import re

from .raw import ScanResult

__all__ = ["says_no_objects", "says_nothing"]

_CHARS = 600
"""A statement that there is nothing comes early and is short; the rest isn't read."""

_SPACES = re.compile(r"[^a-z'/]+")
_WHOLE = frozenset(
    {
        "none",
        "null",
        "nothing",
        "n/a",
        "empty",
        "no",
        "no object",
        "no objects",
        "no detections",
        "no boxes",
        "not found",
    }
)
_W = r"(?:[a-z'/]+ ){0,%d}?"
_SEEN = r"(?:in|visible|present|found|detected|seen|identified|shown|depicted|available)"
_SENTENCE = re.compile(
    r"\bno " + _W % 3 + r"(?:objects?|instances?|detections?|items?|bounding|boxes|box)\b"
    r"|\bno " + _W % 4 + _SEEN + r"\b"
    r"|\bthere (?:is|are|was|were) (?:no|none|not|nothing)\b"
    r"|\b(?:is|are|was|were|be) not (?:clearly )?" + _SEEN + r"\b"
    r"|\b(?:can|could|did|do|does) not (?:see|find|detect|identify|contain|include|show|have|appear|exist)\b"
    r"|\b(?:contains|has|have|shows|with) (?:no|none)\b"
    r"|\bwithout any\b"
    r"|\bnone (?:of )?(?:the |these |those )?(?:[a-z]+ )?(?:objects?|instances?|items?|bounding|boxes)\b"
    r"|\bnone (?:is |are |was |were )?" + _SEEN + r"\b|\bnothing (?:to|was|is|found|detected)\b"
)


def says_no_objects(text: str) -> bool:
    """Whether words say that there are no such objects: 'No Objects', or an English sentence.

    >>> says_no_objects("['No Objects']"), says_no_objects("There are no buses in the image.")
    (True, True)
    >>> says_no_objects("a bus and a train")
    False
    """
    words = _SPACES.sub(" ", text[:_CHARS].lower().replace("’", "'").replace('"', " ")).strip(" '/")
    words = words.replace("cannot", "can not").replace("can't", "can not").replace("n't", " not")
    if words in _WHOLE:
        return True
    return _SENTENCE.search(words) is not None


def says_nothing(result: ScanResult) -> bool:
    """Whether an answer is explicitly empty: ``[]``, ``None``, ``{}``, ``[{'Position': []}]``."""
    return result.empties > 0 and result.words == 0 and not result.boxes and not result.issues
