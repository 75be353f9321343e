"""Why prompts failed, in a few words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from vrft_eval.backends.protocol import Answer
from vrft_eval.errors import shorten
from vrft_eval.images import SUFFIXES

_REASONS = 3
_IMAGE = re.compile(rf"^.*({'|'.join(map(re.escape, sorted(SUFFIXES)))}): ", re.IGNORECASE)


def failure_notes(answers: Iterable[Answer | None], said: str) -> list[str]:
    """One note with the most frequent reasons, none when nothing failed.

    >>> failed = [Answer("a", None, "out of memory"), Answer("b", "x"), Answer("c", None, "out of memory")]
    >>> failure_notes(failed, "samples failed")
    ['2 samples failed (2 x out of memory); --retry-failed asks them again.']
    """
    reasons = Counter(_reason(answer.error) for answer in answers if answer is not None and answer.completion is None)
    if not reasons:
        return []
    listed = [f"{count:,} x {reason}" for reason, count in reasons.most_common(_REASONS)]
    more = len(reasons) - len(listed)
    if more:
        listed.append(f"{more:,} more reasons in the journal")
    return [f"{sum(reasons.values()):,} {said} ({'; '.join(listed)}); --retry-failed asks them again."]


def _reason(error: str | None) -> str:
    """One line; the image's name, which makes a reason of its own of each failure, is left out.

    >>> _reason("data/a dog.JPG: broken image: truncated")
    'broken image: truncated'
    """
    line = shorten(" ".join((error or "no reason given").split()), 500)
    return shorten(_IMAGE.sub("", line), 160)
