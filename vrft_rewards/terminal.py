"""Text of models on a terminal: visible whatever it holds, and coloured only where that is wanted."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import TextIO

__all__ = ["Paint", "print_error", "visible", "wants_colour"]

# Printed as nothing or over their neighbours, though they count as printable: fillers, joiners, variation selectors.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_CODES = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "bold": "1"}


def visible(text: str, limit: int = 200) -> str:
    """Return text that is safe on one line of a terminal: control, bidi and invisible characters as escapes.

    What is over the limit is counted, not shown.

    >>> print(visible("red" + chr(27) + "[2J" + chr(0x202E) + chr(10)))
    red\\x1b[2J\\u202e\\n
    """
    shown = "".join(char if char.isprintable() and not _BLANK.match(char) else _escaped(char) for char in text[:limit])
    return shown if len(text) <= limit else f"{shown}… ({len(text) - limit:,} more characters)"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii") if not char.isspace() else repr(char)[1:-1]


def wants_colour(stream: TextIO) -> bool:
    """Whether a stream is a terminal that takes colours, and NO_COLOR (no-color.org) isn't set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@dataclass(frozen=True, slots=True)
class Paint:
    """Wraps text in ANSI colours, or, when off, leaves it as it is.

    >>> Paint(False).good("3.000"), Paint(True).good("3.000")
    ('3.000', '\\x1b[32m3.000\\x1b[0m')
    """

    on: bool

    def _wrap(self, style: str, text: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.on else text

    def good(self, text: str) -> str:
        """Paint what was right."""
        return self._wrap("good", text)

    def bad(self, text: str) -> str:
        """Paint what was wrong."""
        return self._wrap("bad", text)

    def warn(self, text: str) -> str:
        """Paint what was dropped or doubted."""
        return self._wrap("warn", text)

    def dim(self, text: str) -> str:
        """Paint what is there for completeness."""
        return self._wrap("dim", text)

    def bold(self, text: str) -> str:
        """Paint what the eye should find first."""
        return self._wrap("bold", text)


def print_error(text: str) -> None:
    """An error on standard error, as every command of the project tells it."""
    print(Paint(wants_colour(sys.stderr)).bad("error:"), text, file=sys.stderr)
