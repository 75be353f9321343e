"""A completion in pieces: the thinking, the answer and what is around them, each cut where it is long."""

from __future__ import annotations

from collections.abc import Sequence

from vrft_rewards import Response

LONGEST = 8000
"""Characters of a piece that a page holds, where there is room."""
_SHORTEST = 500
_AROUND, _THINK, _ANSWER = 0, 1, 2

Piece = list[int | str]
"""Kind (0 around, 1 think, 2 answer), text, and how many characters of it are left out, if any."""


def pieces_of(text: str, response: Response, longest: int) -> list[Piece]:
    """Take a text apart where its response was found to begin and end.

    >>> from vrft_rewards import parse_response
    >>> said = "<answer>rose</answer>"
    >>> pieces_of(said, parse_response(said), 3)
    [[0, '<an', 5], [2, 'ros', 1], [0, '</a', 6]]
    """
    spans = [(response.think_span, _THINK), (response.answer_span, _ANSWER)]
    pieces: list[Piece] = []
    end = 0
    for (start, stop), kind in sorted((span, kind) for span, kind in spans if span is not None):
        pieces += [_cut(_AROUND, text[end:start], longest), _cut(kind, text[start:stop], longest)]
        end = stop
    pieces.append(_cut(_AROUND, text[end:], longest))
    return [piece for piece in pieces if piece[1]]


def _cut(kind: int, text: str, longest: int) -> Piece:
    return [kind, text] if len(text) <= longest else [kind, text[:longest], len(text) - longest]


def longest_piece(lengths: Sequence[int], room: int) -> int:
    """How long a piece may be so that all texts of these lengths fit; never less than 500.

    >>> longest_piece([100, 9000], 10_000), longest_piece([9000] * 10, 50_000)
    (8000, 4000)
    """
    longest = LONGEST
    while longest > _SHORTEST and sum(min(length, longest) for length in lengths) > room:
        longest //= 2
    return longest
