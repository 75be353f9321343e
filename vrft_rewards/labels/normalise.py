"""Spelling of labels, so that the same name compares equal however it is written."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

__all__ = ["Clauses", "clauses", "is_code", "label_key", "singular", "spelling", "tokens"]

_ARTICLES = frozenset({"a", "an", "the"})
_NOT_WORD = re.compile(r"[\W_]+")
_APOSTROPHE = re.compile(r"['’`´](?=s\b|\w)")
_LETTER_A = re.compile(r"\ba-(?=[0-9])")
_OPTIONAL = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0670\u20d0-\u20ff\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Marks that writers leave out: of Latin, Greek, Cyrillic, Hebrew, Arabic and symbols. Those of other scripts make
other letters."""
_ROMAN = frozenset({"i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"})
_ACRONYM_PLURAL_SAFE = ("ss", "us", "is", "os", "as")


def tokens(text: str) -> tuple[str, ...]:
    """Return the words of a text: compatibility characters unified, no case, accents or punctuation.

    >>> tokens("Black-eyed_Susan"), tokens("Canterbury’s Bells")
    (('black', 'eyed', 'susan'), ('canterburys', 'bells'))
    """
    text = _APOSTROPHE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    text = _LETTER_A.sub("a", text)  # 'A-10': a part of the name, not an article
    if text.isascii():
        return tuple(word for word in _NOT_WORD.split(text) if word)
    text = unicodedata.normalize("NFC", _OPTIONAL.sub("", unicodedata.normalize("NFKD", text)))
    # The vowel signs of many scripts are marks, which a regex's \w doesn't hold.
    kept = (char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in text)
    return tuple("".join(kept).split())


def label_key(label: str | None) -> str | None:
    """Return a label without its case, punctuation and word breaks, None where nothing is left."""
    return None if label is None else " ".join(tokens(label)) or None


def singular(word: str) -> str:
    """Return a word without its plural ending, by rule: 'lilies' -> 'lily', 'foxes' -> 'fox'.

    Words of three letters, words with digits and endings that are seldom plurals ('iris') stay.
    """
    if len(word) <= 3 or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(_ACRONYM_PLURAL_SAFE):
        return word[:-1]
    return word


def spelling(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return words without articles and plurals.

    >>> spelling(("the", "tiger", "lilies")), spelling(("type", "a"))
    (('tiger', 'lily'), ('type', 'a'))
    """
    # What nothing follows isn't an article, but a letter: 'Type A'.
    kept = tuple(singular(word) for word in words[:-1] if word not in _ARTICLES)
    return (*kept, *map(singular, words[-1:]))


def is_code(word: str) -> bool:
    """Whether a word is a designation, in which one character makes another thing: 'a320', 'iv', 'rl'."""
    return len(word) <= 3 or word in _ROMAN or not word.isalpha()


_CLAUSE = re.compile(r"[,;:()!?\"\n“”]|\.(?=\s|$)|[-–—](?=\s)")


@dataclass(frozen=True, slots=True)
class Clauses:
    """The words of a text without articles and plurals, and where a name may begin and end.

    ``opens`` holds the indices of words that follow an article, a clause mark or nothing, ``closes`` the
    indices of words that a clause mark or nothing follows.
    """

    words: tuple[str, ...]
    opens: frozenset[int]
    closes: frozenset[int]


def clauses(text: str, most: int) -> Clauses:
    """Take a text apart into at most ``most`` words, with the marks between its clauses.

    >>> found = clauses("It is a rose, I think.", 200)
    >>> found.words, sorted(found.opens), sorted(found.closes)
    (('it', 'is', 'rose', 'i', 'think'), [0, 2, 3], [2, 4])
    """
    words: list[str] = []
    opens: set[int] = set()
    closes: set[int] = set()
    for clause in _CLAUSE.split(text):
        opens.add(len(words))
        found = tokens(clause)
        for at, word in enumerate(found):
            if word in _ARTICLES and at + 1 < len(found):
                opens.add(len(words))
            elif len(words) < most:
                words.append(singular(word))
        closes.add(len(words) - 1)
    inside = range(len(words))
    return Clauses(tuple(words), frozenset(opens.intersection(inside)), frozenset(closes.intersection(inside)))
