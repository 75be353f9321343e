"""The known names that somebody who wrote another one may have meant."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["closest", "did_you_mean"]

_NEAR = 50.0
_AS_NEAR = 10.0
"""Of the similarity, 0 to 100."""


def closest(name: str, known: Iterable[str]) -> str:
    """The known names nearest to an unknown one in any case, at most three that are about as near; empty when none is.

    >>> closest("map", ["mAP", "reward"])
    'mAP'
    """
    from rapidfuzz import fuzz, process  # only a wrong name needs it: the import stays light

    spelt = {other.lower(): other for other in known}
    near = process.extract(name[:100].lower(), list(spelt), scorer=fuzz.ratio, limit=3, score_cutoff=_NEAR)
    return " or ".join(spelt[other] for other, score, _ in near if score >= near[0][1] - _AS_NEAR)


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """What ends an error message about an unknown name; empty when none is near.

    >>> did_you_mean("visualrft", ["default", "visual-rft"])
    '; did you mean visual-rft?'
    """
    near = closest(name, known) if isinstance(name, str) else ""
    return near and f"; did you mean {near}?"
