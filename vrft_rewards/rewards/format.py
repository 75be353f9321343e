"""The format reward, and the words for what breaks it."""

from __future__ import annotations

from ..profiles import FormatRule
from ..response import FormatIssue, visual_rft_format

__all__ = ["format_reward"]

_WORDS = {
    FormatIssue.MISSING_THINK: "no <think> block",
    FormatIssue.MISSING_ANSWER: "no <answer> block",
    FormatIssue.REPEATED_THINK: "more than one <think> block",
    FormatIssue.REPEATED_ANSWER: "more than one <answer> block",
    FormatIssue.UNCLOSED_THINK: "<think> isn't closed",
    FormatIssue.UNCLOSED_ANSWER: "<answer> isn't closed",
    FormatIssue.TEXT_OUTSIDE: "text outside the blocks",
    FormatIssue.WRONG_ORDER: "blocks in the wrong order",
    FormatIssue.EMPTY_THINK: "nothing in <think>",
    FormatIssue.EMPTY_ANSWER: "nothing in <answer>",
    FormatIssue.INEXACT_TAG: "a tag isn't spelt exactly",
}


def format_reward(text: str, issues: tuple[FormatIssue, ...], rule: FormatRule, readable: bool) -> tuple[float, str]:
    """Return 1.0 or 0.0 for the format, with the reason.

    ``readable`` says whether the answer could be read, or that it doesn't matter.
    """
    if rule == "visual-rft":
        if not visual_rft_format(text):
            return 0.0, "format wrong: not exactly <think>...</think><answer>...</answer>"
    elif issues:
        return 0.0, "format wrong: " + ", ".join(_WORDS[issue] for issue in issues)
    if not readable:
        return 0.0, "format not paid: the answer can't be read"
    return 1.0, "format right"
