"""Make hostile text harmless and visible: escaped, with control and direction characters named."""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

_MAX_NAMED = 100
# Everything that isn't printed as itself: controls, format characters (bidi, zero width), surrogates, separators.
HIDDEN_CHARACTERS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff"
)
"""The inside of a character class of regular expressions."""
_HIDDEN = re.compile(f"([{HIDDEN_CHARACTERS}])\\1*")


def visible(text: str, limit: int = 8000) -> Markup:
    """Escape text for HTML; hidden characters become named marks, and what is over the limit is counted.

    >>> visible("<b>" + chr(0x202E))
    Markup('&lt;b&gt;<span class="hid" title="RIGHT-TO-LEFT OVERRIDE">U+202E</span>')
    """
    kept = text[:limit]
    pieces: list[str] = []
    end = 0
    for count, found in enumerate(_HIDDEN.finditer(kept), start=1):
        pieces.append(str(escape(kept[end : found.start()])))
        end = found.end()
        pieces.append(_named(found[0]))
        if count == _MAX_NAMED:
            kept = kept[:end]
            break
    pieces.append(str(escape(kept[end:])))
    if len(kept) < len(text):
        pieces.append(f'<span class="more">… {len(text) - len(kept):,} more characters</span>')
    return Markup("".join(pieces))


def _named(run: str) -> str:
    code = f"U+{ord(run[0]):04X}"
    name = escape(unicodedata.name(run[0], "control character"))
    more = f" +{len(run) - 1}" if len(run) > 1 else ""
    return f'<span class="hid" title="{name}">{code}{more}</span>'


def plain(text: str, limit: int = 200) -> str:
    """One line of plain text for a table, hidden characters as escapes.

    >>> plain("a" + chr(10) + chr(0x202E))
    'a \\\\u202e'
    """
    line = " ".join(text[:limit].split())
    return _HIDDEN.sub(lambda m: m[0].encode("unicode_escape", "surrogatepass").decode("ascii"), line)
