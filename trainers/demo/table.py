"""Markdown tables of results."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers.

    >>> print(markdown(["", "gain"], [["mAP", gain([0.1, 0.2])]]), end="")
    |  | gain |
    |---|---:|
    | mAP | +0.150 ± 0.050 |
    """
    rule = "|".join(["---", *("---:" for _ in head[1:])])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{rule}|", *lines]) + "\n"


def gain(gains: Sequence[float]) -> str:
    """The mean of some gains and, of more than one, its standard error: the deviation over the root of their number."""
    text = f"{statistics.fmean(gains):+.3f}"
    if len(gains) > 1:
        text += f" ± {statistics.stdev(gains) / math.sqrt(len(gains)):.3f}"
    return text
