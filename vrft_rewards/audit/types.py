"""What an audit asks and what it says: cases, bets, probes, findings, the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from ..profiles import TASKS, Task

__all__ = [
    "TASKS",
    "AuditError",
    "Bet",
    "Case",
    "Finding",
    "Known",
    "Probe",
    "Reply",
    "Report",
    "Rule",
    "Severity",
    "Task",
    "Timing",
]

Severity = Literal["high", "medium", "low"]
Known = Mapping[str, str]
"""Probe -> why a profile can't avoid what it finds."""


class AuditError(ValueError):
    """The target can't be audited: it isn't there, or it doesn't tell right from wrong."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question to the reward: a completion and its truth (boxes, one box, or a label)."""

    completion: str
    truth: Any


@dataclass(frozen=True, slots=True)
class Reply:
    """What the reward gave: a finite value, or what went wrong, and the processor seconds it took.

    ``error`` is ``raises``, ``not-finite``, ``no-number``, ``hangs`` or ``dies``; ``detail`` says more.
    """

    value: float | None
    error: str | None = None
    detail: str = ""
    seconds: float = 0.0
    changed_truth: bool = False


class Rule(Enum):
    """How the mean value of a cheat has to compare with that of its honest twin."""

    BELOW = "less than an honest attempt"
    NOT_ABOVE = "no more than the same without the trick"
    NOT_BELOW = "no less than the same said plainly"
    SAME = "the same"


@dataclass(frozen=True, slots=True)
class Bet:
    """A cheat and what it is held against; each is the mean over its cases. ``right`` are right answers."""

    cheat: tuple[Case, ...]
    honest: tuple[Case, ...]
    right: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """One way to cheat, in several variants."""

    name: str
    rule: Rule
    why: str
    bets: tuple[Bet, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that paid. ``honest`` and ``earned`` are mean values, None where there is no number."""

    name: str
    severity: Severity
    completion: str
    truth: Any
    honest: float | None
    earned: float | None
    explanation: str
    variants: int = 1
    """How many variants of the cheat paid."""
    known: str | None = None
    """Why a faithful profile can't avoid it; None: it can."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Processor seconds for one kind of hostile text, by its size in characters; None: past the limit."""

    text: str
    seconds: Mapping[int, float | None]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one audit."""

    target: str
    task: Task
    asked_as: str
    """How the function was called and answered, found by trial."""
    findings: tuple[Finding, ...]
    probes: tuple[str, ...]
    answers: int
    """How many answers were scored."""
    timings: tuple[Timing, ...] = field(default=())
    skipped: int = 0
    """Answers that weren't scored, since the function had hung or died too often."""

    @property
    def passed(self) -> bool:
        """Whether nothing paid but what is known and can't be avoided."""
        return all(finding.known is not None for finding in self.findings)
