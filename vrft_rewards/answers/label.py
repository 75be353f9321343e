"""Answer text -> the label it names, without quotes, markup and keys."""

from __future__ import annotations

import re

from .types import EXCERPT, Issue, IssueKind, Label, Status

__all__ = ["parse_label"]

MAX_LABEL_CHARS = 2000
_KEY = re.compile(
    r"\{?\s{0,8}['\"]?(?:label|class|category|species|name|answer|prediction)(?:[ _]name)?['\"]?\s{0,8}[:=]\s{0,8}",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:the )?(?:final )?(?:answer|label|species|class|category) (?:is|would be)\s{0,8}:?\s{0,8}", re.IGNORECASE
)
_NAMES = "b|i|em|strong|p|br|span|code|label|class|species|name|answer"
_MARKUP = re.compile(
    rf"```\w{{0,16}}|<\|\w{{1,24}}\|>|<[ \t]{{0,8}}/?[ \t]{{0,8}}(?:{_NAMES})[ \t]{{0,8}}/?>", re.ASCII | re.IGNORECASE
)
"""Code fences, special tokens and tags around a name."""
_WRAPPING = " \t\r\n'\"`*[](){}.,;:“”‘’"


def parse_label(answer: str | None) -> Label:
    """Return the label text of a classification answer. Total; only the first 2,000 characters count.

    >>> parse_label(" **Pink primrose.** ").text
    'Pink primrose'
    >>> parse_label('{"species": "pink primrose"}').text
    'pink primrose'
    """
    if answer is None or not answer.strip():
        return Label("", Status.MISSING, ())
    issues: tuple[Issue, ...] = ()
    text = answer.strip()
    if len(text) > MAX_LABEL_CHARS:
        issues = (Issue(IssueKind.TOO_LONG, text[MAX_LABEL_CHARS : MAX_LABEL_CHARS + EXCERPT], MAX_LABEL_CHARS),)
        text = text[:MAX_LABEL_CHARS]
    text = _MARKUP.sub(" ", text).strip()
    for pattern in (_LEAD, _KEY):
        match = pattern.match(text.lstrip(_WRAPPING))
        if match is not None:
            text = text.lstrip(_WRAPPING)[match.end() :]
    # Brackets that belong to a name, as in "Rosa (garden)", stay: only whole wrappings go.
    text = " ".join(text.strip(_WRAPPING).split())
    if not text:
        return Label("", Status.UNPARSABLE, (*issues, Issue(IssueKind.UNREADABLE, answer.strip()[:EXCERPT], 0)))
    return Label(text, Status.LABEL, issues)
