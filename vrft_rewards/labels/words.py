"""The English words around a label that decide whether a text names it."""

from __future__ import annotations

from .normalise import singular

__all__ = ["AFTER", "BEFORE", "DENIALS", "LIGHT", "NEGATIONS", "NEGATION_PAIRS", "NO_DOUBT", "TURNS", "VERBS"]


def _words(text: str) -> frozenset[str]:
    # Texts are compared without plural endings, so 'shows' has to be known as 'show'.
    return frozenset(singular(word) for word in text.split())


NEGATIONS = _words(
    """not no never neither nor without isnt arent wasnt cannot cant dont doesnt unlike than versus vs
    excluding except instead hardly barely scarcely doubt doubtful unlikely improbable
    similar almost nearly"""
)
"""A label that follows one of these closely isn't named."""

NO_DOUBT = frozenset((first, "doubt") for first in ("no", "not", "without", "beyond", "dont"))
"""Two words in a row that negate nothing."""

NEGATION_PAIRS = frozenset({("anything", "but"), ("all", "but"), ("far", "from"), ("nothing", "like")})
"""Two words in a row that do the same."""

LIGHT = _words(
    """think believe say said know it is be this that look appear seem like to of really actually necessarily exactly
    any sort kind type quite would call called"""
)
"""Words that a negation reaches over: 'I do not think that it is a rose'."""

DENIALS = NEGATIONS | _words("wrong incorrect false excluded ruled impossible")
"""Words after 'a rose is' that take it back."""

VERBS = _words("is was")
"""What such a denial begins with."""

TURNS = _words("but however rather")
"""What was negated before one of these no longer is."""

BEFORE = NEGATIONS | _words(
    """is its it be as this that named called looks like likely probably shows species flower plant breed aircraft
    car model image photo label class category answer and or but of think rather was either most maybe perhaps possibly
    definitely certainly clearly surely obviously indeed actually simply beautiful single blooming"""
)
"""Words after which a name can begin; after another one it may be part of a longer name."""

AFTER = NEGATIONS | _words(
    """flower plant species breed dog cat aircraft airplane plane car vehicle is was in on with and or but because
    since as from which that it based due blossom bloom tree variety rather here"""
)
"""Words that can follow a name without making another one of it."""
