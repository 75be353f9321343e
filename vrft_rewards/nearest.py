"""The known names that somebody who wrote another one may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["closest", "did_you_mean"]


def closest(name: str, known: Iterable[str]) -> str:
    """The known names nearest to an unknown one in any case, at most three; empty when none is near.

    >>> closest("map", ["mAP", "reward"])
    'mAP'
    """
    spelt = {other.lower(): other for other in known}
    return " or ".join(spelt[other] for other in get_close_matches(name[:100].lower(), spelt, n=3, cutoff=0.5))


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """What ends an error message about an unknown name; empty when none is near.

    >>> did_you_mean("visualrft", ["default", "visual-rft"])
    '; did you mean visual-rft?'
    """
    near = closest(name, known) if isinstance(name, str) else ""
    return near and f"; did you mean {near}?"
