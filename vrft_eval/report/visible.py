"""Make hostile text visible: control, direction and other hidden characters are named.

In pages the script does it (`page/scripts/text.js`), with the same set of characters; everywhere else `plain`.
"""

from __future__ import annotations

import re
import unicodedata

# Everything that isn't printed as itself: controls, format characters (bidi, zero width), surrogates, separators.
HIDDEN_CHARACTERS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff"
)
"""The inside of a character class of regular expressions."""
HIDDEN = re.compile(f"([{HIDDEN_CHARACTERS}])\\1*")
"""A run of one hidden character."""


def plain(text: str, limit: int = 200) -> str:
    """One line of plain text for a table, hidden characters as escapes.

    >>> plain("a" + chr(10) + chr(0x202E))
    'a \\\\u202e'
    """
    line = " ".join(text[:limit].split())
    return HIDDEN.sub(lambda m: m[0].encode("unicode_escape", "surrogatepass").decode("ascii"), line)


def hidden_names() -> dict[str, str]:
    """What the hidden characters below U+10000 are called, by their number in hex; those without a name are left out.

    >>> hidden_names()["202e"]
    'RIGHT-TO-LEFT OVERRIDE'
    """
    named = ((c, unicodedata.name(c, "")) for c in map(chr, range(0x10000)) if HIDDEN.fullmatch(c))
    return {f"{ord(c):04x}": name for c, name in named if name}
