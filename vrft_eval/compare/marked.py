"""Hostile text as HTML that is inert and hides nothing."""

from __future__ import annotations

import unicodedata

from markupsafe import Markup, escape

from vrft_eval.report.visible import HIDDEN

_MAX_NAMED = 100


def marked(text: str, limit: int) -> Markup:
    """Escape text for HTML; hidden characters become named marks, and what is over the limit is counted.

    >>> marked("<b>" + chr(0x202E), 100)
    Markup('&lt;b&gt;<span class="hid" title="RIGHT-TO-LEFT OVERRIDE">U+202E</span>')
    >>> marked("abcdef", 4)
    Markup('abcd<span class="more">… 2 more characters</span>')
    """
    kept = text[:limit]
    pieces: list[str] = []
    end = 0
    for count, found in enumerate(HIDDEN.finditer(kept), start=1):
        pieces += [str(escape(kept[end : found.start()])), _named(found[0])]
        end = found.end()
        if count == _MAX_NAMED:
            kept = kept[:end]
            break
    pieces.append(str(escape(kept[end:])))
    if len(kept) < len(text):
        pieces.append(f'<span class="more">… {len(text) - len(kept):,} more characters</span>')
    return Markup("".join(pieces))


def _named(run: str) -> str:
    name = escape(unicodedata.name(run[0], "control character"))
    more = f" +{len(run) - 1}" if len(run) > 1 else ""
    return f'<span class="hid" title="{name}">U+{ord(run[0]):04X}{more}</span>'
