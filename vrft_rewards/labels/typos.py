"""Which misspellings of a short word are believed. Close to most short words there is another English word."""

from __future__ import annotations

__all__ = ["believable"]

_SHORT = 4
_MIDDLING = 5
_LONG = 8


def believable(word: str, name: str) -> bool:
    """Whether ``word`` can be a misspelt ``name`` when no other word speaks for it.

    'prose' is one letter from 'rose', 'locus' from 'lotus' and 'whistle' from 'thistle'. So up to four letters a letter
    may only be doubled (or single instead of double); up to seven the first letter has to be right; and five
    letters take a letter more, one less or two neighbours swapped, but no other letter in place of one.

    >>> believable("rosse", "rose"), believable("prose", "rose")
    (True, False)
    >>> believable("lottus", "lotus"), believable("ltous", "lotus"), believable("locus", "lotus")
    (True, True, False)
    """
    length = len(name)
    if length >= _LONG or _undoubled(word) == _undoubled(name):
        return True
    if length <= _SHORT or word[0] != name[0]:
        return False
    return length > _MIDDLING or len(word) != length or _swapped(word, name)


def _undoubled(word: str) -> str:
    return "".join(char for index, char in enumerate(word) if index == 0 or char != word[index - 1])


def _swapped(word: str, name: str) -> bool:
    at = [index for index, (a, b) in enumerate(zip(word, name, strict=True)) if a != b]
    return len(at) == 2 and at[1] == at[0] + 1 and word[at[0]] == name[at[1]] and word[at[1]] == name[at[0]]
