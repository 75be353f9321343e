"""Text of a model -> its thinking, its answer, and what is wrong with the format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal

__all__ = ["FormatIssue", "Response", "parse_response", "read_answer", "visual_rft_format"]

Span = tuple[int, int]

# Bounded white space keeps the search linear whatever the text. Only ASCII white space is a tag's own.
_TAG = re.compile(r"<[ \t\r\n]{0,16}(/?)[ \t\r\n]{0,16}(think|answer)[ \t\r\n]{0,16}>", re.ASCII | re.IGNORECASE)
_CLOSE_THINK = re.compile(r"<[ \t\r\n]{0,16}/[ \t\r\n]{0,16}think[ \t\r\n]{0,16}>", re.ASCII | re.IGNORECASE)
_EXACT = re.compile(r"<think>([^<]+)</think>\s*<answer>([^<]+)</answer>")
_KINDS = {"<think>": (False, True), "</think>": (True, True), "<answer>": (False, False), "</answer>": (True, False)}
"""Tag -> (is it a closing one, is it about thinking)."""


class FormatIssue(str, Enum):
    """One way in which a response departs from ``<think>...</think><answer>...</answer>``."""

    MISSING_THINK = "missing_think"
    MISSING_ANSWER = "missing_answer"
    REPEATED_THINK = "repeated_think"
    REPEATED_ANSWER = "repeated_answer"
    UNCLOSED_THINK = "unclosed_think"
    UNCLOSED_ANSWER = "unclosed_answer"
    TEXT_OUTSIDE = "text_outside"
    WRONG_ORDER = "wrong_order"
    EMPTY_THINK = "empty_think"
    EMPTY_ANSWER = "empty_answer"
    INEXACT_TAG = "inexact_tag"

    def __str__(self) -> str:
        """Return the value, so that f-strings read the same on every Python."""
        return self.value


@dataclass(frozen=True, slots=True)
class Response:
    """A response taken apart. Spans are (start, end) offsets in the text, without the tags."""

    think: str | None
    answer: str | None
    think_span: Span | None
    answer_span: Span | None
    issues: tuple[FormatIssue, ...]

    @property
    def well_formed(self) -> bool:
        """Whether the response is one think, then one answer, neither empty, and nothing else."""
        return not self.issues


class _Scan:
    """The state of one pass over the tags of a text."""

    def __init__(self, text: str, choose: Literal["last", "first"]) -> None:
        self.text = text
        self.first_think: Span | None = None
        self.think_count = 0
        self.choose_first = choose == "first"
        self.first_answer: Span | None = None
        self.chosen: Span | None = None
        self.chosen_blank = True
        self.answer_count = 0
        self.next_close: int | None = -1
        self.issues: set[FormatIssue] = set()
        self.open_think: int | None = None
        self.open_answer: int | None = None
        self.answer_resumes = False  # the open think block stands inside an answer
        self.outside = 0  # where the current stretch of text outside both blocks began

    def leave_outside(self, end: int) -> None:
        if self.outside < end and not self.text[self.outside : end].isspace():
            self.issues.add(FormatIssue.TEXT_OUTSIDE)

    def run(self) -> None:
        issues = self.issues
        for tag in _TAG.finditer(self.text):
            kind = _KINDS.get(tag.group())
            if kind is None:
                issues.add(FormatIssue.INEXACT_TAG)
                kind = _KINDS[f"<{tag.group(1)}{tag.group(2).lower()}>"]
            closing, is_think = kind
            start, end = tag.span()
            if is_think:
                self.think_tag(closing, start, end)
                continue
            if self.open_think is not None:
                # Inside a think block that is closed later, answer tags are only talked about.
                if closing or self.closes_think_after(start):
                    continue
                issues.add(FormatIssue.UNCLOSED_THINK)
                self.close_think(start, start)
            self.answer_tag(closing, start, end)
        self.finish()

    def closes_think_after(self, start: int) -> bool:
        """Whether there is a ``</think>`` after ``start``. Looks at each stretch of text once."""
        if self.next_close is not None and self.next_close < start:
            found = _CLOSE_THINK.search(self.text, start)
            self.next_close = None if found is None else found.start()
        return self.next_close is not None

    def add_answer(self, start: int, end: int) -> None:
        self.answer_count += 1
        if self.first_answer is None:
            self.first_answer = self.chosen = (start, end)
            self.chosen_blank = self.is_blank(start, end)
        elif (self.chosen_blank or not self.choose_first) and not self.is_blank(start, end):
            self.chosen = (start, end)
            self.chosen_blank = False

    def is_blank(self, start: int, end: int) -> bool:
        return start == end or self.text[start:end].isspace()

    def think_tag(self, closing: bool, start: int, end: int) -> None:
        if self.open_think is not None:
            if closing:
                self.close_think(start, end)
            else:
                self.issues.add(FormatIssue.REPEATED_THINK)
            return
        if self.open_answer is not None:  # thinking inside an answer splits the answer in two
            self.issues.add(FormatIssue.WRONG_ORDER)
            self.add_answer(self.open_answer, start)
            self.open_answer = end if closing else None
            if not closing:
                self.open_think = end
                self.answer_resumes = True
            return
        if not closing:
            self.leave_outside(start)
            self.open_think = end
        elif not self.think_count and not self.answer_count:
            # Chat templates often put the opening tag into the prompt, so the text starts inside it.
            self.issues.add(FormatIssue.MISSING_THINK)
            self.first_think, self.think_count = (0, start), 1
            self.outside = end
        else:
            self.issues.add(FormatIssue.REPEATED_THINK)

    def close_think(self, start: int, end: int) -> None:
        assert self.open_think is not None
        self.think_count += 1
        if self.first_think is None:
            self.first_think = (self.open_think, start)
        self.open_think = None
        self.outside = end
        if self.answer_resumes and end > start:
            self.open_answer = end
        self.answer_resumes = False

    def answer_tag(self, closing: bool, start: int, end: int) -> None:
        if not closing:
            if self.open_answer is not None:
                self.issues.add(FormatIssue.REPEATED_ANSWER)
                self.add_answer(self.open_answer, start)
            else:
                self.leave_outside(start)
            self.open_answer = end
        elif self.open_answer is not None:
            self.add_answer(self.open_answer, start)
            self.open_answer = None
            self.outside = end
        elif self.think_count and not self.answer_count:
            # Only the opening tag is missing: what follows the thinking is the answer.
            self.issues.add(FormatIssue.MISSING_ANSWER)
            self.add_answer(self.outside, start)
            self.outside = end
        else:
            # A stray close: the stretch before it and the tag itself are outside.
            self.issues.add(FormatIssue.TEXT_OUTSIDE)
            self.leave_outside(start)
            self.outside = end

    def finish(self) -> None:
        size = len(self.text)
        if self.open_think is not None:
            self.issues.add(FormatIssue.UNCLOSED_THINK)
            self.close_think(size, size)
        elif self.open_answer is not None:
            self.issues.add(FormatIssue.UNCLOSED_ANSWER)
            self.add_answer(self.open_answer, size)
        else:
            self.leave_outside(size)


def parse_response(text: str, choose: Literal["last", "first"] = "last") -> Response:
    """Take a response apart in one linear scan. Total: any string of any size, no exception for the text.

    Tags are read in any case and with white space inside them (reported as ``inexact_tag``). What
    happens where the format is broken:

    - an unclosed ``<answer>`` runs to the end of the text or to the next ``<answer>``;
    - an unclosed ``<think>`` runs to the first ``<answer>``, or to the end of the text;
    - answer tags inside a think block that is closed later are thinking, never an answer;
    - ``</think>`` without an opening tag closes a think block that began with the text, and ``</answer>``
      without one closes an answer that began after the think block (reported as ``missing_...``);
    - a think block inside an answer splits it, and each piece counts as an answer;
    - of several answers the last one that isn't blank is taken (``choose="first"``: the first that
      isn't blank); of several think blocks, the first.

    >>> parse_response("<think>Red petals.</think><answer>rose</answer>")
    Response(think='Red petals.', answer='rose', think_span=(7, 18), answer_span=(34, 38), issues=())
    >>> [str(issue) for issue in parse_response("<answer>rose").issues]
    ['missing_think', 'unclosed_answer']
    """
    if choose not in ("last", "first"):
        raise ValueError(f"choose: expected 'last' or 'first', got {choose!r}")
    exact = _exact(text)
    if exact is None:
        return scan_response(text, choose)
    return Response(exact[1], exact[2], exact.span(1), exact.span(2), ())


def scan_response(text: str, choose: Literal["last", "first"] = "last") -> Response:
    """Do what `parse_response` does, by the scan whatever the text."""
    scan = _Scan(text, choose)
    scan.run()
    issues = scan.issues
    think_span = scan.first_think
    answer_span = scan.chosen
    think = None if think_span is None else text[think_span[0] : think_span[1]]
    answer = None if answer_span is None else text[answer_span[0] : answer_span[1]]
    if think is None:
        issues.add(FormatIssue.MISSING_THINK)
    elif not think.strip():
        issues.add(FormatIssue.EMPTY_THINK)
    if answer is None:
        issues.add(FormatIssue.MISSING_ANSWER)
    elif not answer.strip():
        issues.add(FormatIssue.EMPTY_ANSWER)
    if scan.think_count > 1:
        issues.add(FormatIssue.REPEATED_THINK)
    if scan.answer_count > 1:
        issues.add(FormatIssue.REPEATED_ANSWER)
    if think_span is not None and scan.first_answer is not None and scan.first_answer[0] < think_span[0]:
        issues.add(FormatIssue.WRONG_ORDER)
    ordered_issues = tuple(issue for issue in FormatIssue if issue in issues) if issues else ()
    return Response(think, answer, think_span, answer_span, ordered_issues)


def read_answer(text: str, choose: Literal["last", "first"] = "last") -> tuple[str | None, tuple[FormatIssue, ...]]:
    """Return the answer and the issues of `parse_response`."""
    exact = _exact(text)
    if exact is not None:
        return exact[2], ()
    response = scan_response(text, choose)
    return response.answer, response.issues


def _exact(text: str) -> re.Match[str] | None:
    """Return the match of a text that is exactly as asked for, with think and answer as its groups, else None."""
    # Four "<" that are the four tags in their order: there is nothing that a scan could find besides.
    match = _EXACT.fullmatch(text)
    return None if match is None or match[1].isspace() or match[2].isspace() else match


def visual_rft_format(text: str) -> bool:
    r"""Whether the text is a full match of ``<think>.*?</think>\s*<answer>.*?</answer>`` (DOTALL).

    The format rule of the released Visual-RFT code, without a backtracking regex: linear in the text.
    A trailing newline fails it, as there.

    >>> visual_rft_format("<think>a</think>\n<answer>b</answer>")
    True
    >>> visual_rft_format("<think>a</think><answer>b</answer>\n")
    False
    """
    if not (text.startswith("<think>") and text.endswith("</answer>")):
        return False
    last_start = len(text) - len("</answer>")
    at = text.find("</think>", len("<think>"))
    while at != -1:
        at += len("</think>")
        # The white space between two tags is looked at once, so the loop stays linear.
        start = at
        while start < last_start and text[start].isspace():
            start += 1
        if text.startswith("<answer>", start) and start + len("<answer>") <= last_start:
            return True
        at = text.find("</think>", start)
    return False
