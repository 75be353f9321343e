"""What the scanner hands on: boxes as written, and what else it met."""

from __future__ import annotations

from dataclasses import dataclass, field

from .types import EXCERPT, Issue, IssueKind

__all__ = ["Corners", "RawBox", "ScanResult"]

Corners = tuple[float, float, float, float]
MAX_ISSUES = 100


@dataclass(slots=True)
class RawBox:
    """Four numbers as written, with what belongs to them; offsets are those of the numbers' brackets."""

    numbers: Corners
    start: int
    end: int
    confidence: float | None = None
    label: str | None = None


@dataclass(slots=True)
class ScanResult:
    """Every intact box in reading order, the issues met, and what else the answer holds."""

    boxes: list[RawBox] = field(default_factory=list)
    points: list[tuple[float, float]] = field(default_factory=list)
    """Points that aren't the corners of a box."""
    issues: list[Issue] = field(default_factory=list)
    dropped_issues: int = 0
    empties: int = 0
    """Explicitly empty places: ``[]``, ``{}``, ``None``."""
    words: int = 0
    """Words that are neither keys nor an explicit nothing."""
    last_words_at: int = -1

    def add_issue(self, text: str, kind: IssueKind, start: int, end: int | None = None) -> None:
        """Note what is wrong with text[start:end]; of very many issues only the number is kept."""
        if len(self.issues) >= MAX_ISSUES:
            self.dropped_issues += 1
            return
        stop = start + EXCERPT if end is None else min(end, start + EXCERPT)
        self.issues.append(Issue(kind, text[start:stop], start))
