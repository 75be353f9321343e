"""What the scanner sees: the tokens of an answer, and the keys that mean something."""

from __future__ import annotations

import re

__all__ = [
    "BOXLESS_KEYS",
    "CORNERS",
    "CORNER_POINTS",
    "EMPTY_WORDS",
    "LABEL_KEYS",
    "LABEL_VALUE",
    "NOT_FINITE",
    "PERCENT",
    "POINT_KEYS",
    "TOKEN",
    "is_confidence",
]

# Every repetition is bounded or runs over a class that nothing else matches, so the search is linear.
TOKEN = re.compile(
    r"""
      (?P<number>(?<![\w.])[+-]?(?:[0-9]{1,64}(?:\.[0-9]{0,64})?|\.[0-9]{1,64})(?:[eE][+-]?[0-9]{1,8})?(?!\w|\.[0-9]))
    | (?P<fence>```\w*)
    | (?P<escape>\\[nrt"'\\])
    | (?P<word>\w+(?:-\w+)*)
    | (?P<tag_open><\|?(?:box|bbox)(?:_start)?\|?>)
    | (?P<tag_close><(?:/\|?(?:box|bbox)|\|?(?:box|bbox)_end)\|?>)
    | (?P<open>[\[(（［【])
    | (?P<close>[\])）］】])
    | (?P<brace_open>\{)
    | (?P<brace_close>\})
    | (?P<key>[:=：])
    | (?P<comma>[,;，；、])
    | (?P<percent>%)
    | (?P<junk>[^\s'"`\\“”‘’])
    """,
    re.VERBOSE | re.IGNORECASE,
)
PERCENT = re.compile(r"[ \t]{0,4}%")
LABEL_VALUE = re.compile(r"\s{0,8}(?:(['\"])(?P<text>.{0,120}?)\1|“(?P<curly>.{0,120}?)”)(?=\s{0,8}(?:[,，}\])]|$))")
EMPTY_WORDS = frozenset({"none", "null", "nil", "nan"})
NOT_FINITE = frozenset({"nan", "inf", "infinity"})
LABEL_KEYS = frozenset({"label", "labels", "class", "category", "name", "object", "type", "description"})
_CONFIDENCE_KEYS = frozenset({"score", "scores", "prob", "probability", "certainty", "likelihood"})
BOXLESS_KEYS = frozenset({"color", "colour", "rgb", "rgba", "size", "shape"})
POINT_KEYS = ("point", "poly", "quad", "line", "contour", "mask", "segment", "vert", "center", "centre", "size")
"""Two points under a key that holds one of these aren't the corners of a box."""
CORNER_POINTS = {"topleft": 0, "lefttop": 0, "upperleft": 0, "bottomright": 2, "rightbottom": 2, "lowerright": 2}
"""Keys of a corner -> the index of its x among x1, y1, x2, y2."""
CORNERS = {
    "x1": 0, "y1": 1, "x2": 2, "y2": 3,
    "xmin": 0, "ymin": 1, "xmax": 2, "ymax": 3,
    "left": 0, "top": 1, "right": 2, "bottom": 3,
}  # fmt: skip


def is_confidence(key: str) -> bool:
    """Whether a key, in lower case, names a confidence."""
    return key.startswith("conf") or key in _CONFIDENCE_KEYS
