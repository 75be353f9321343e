"""Accuracy under three rules, per class, and which classes are taken for which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vrft_eval.schemas import ConfusedPair, Confusion

_PAIRS = 50
"""Pairs of classes that a report lists; hundreds of classes can make thousands."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one answer was read as, and which rules take it for right.

    label is the class that the matcher reads, None when the answer names none of the list or more than one;
    `answered` is False when there is nothing in the answer at all. strict wants the name itself (after
    normalisation), fuzzy takes what the matcher takes, visual_rft what the released script takes.
    """

    truth: str
    label: str | None
    answered: bool
    strict: bool
    visual_rft: bool

    @property
    def fuzzy(self) -> bool:
        """Whether the matcher reads the true class."""
        return self.label == self.truth

    @property
    def right(self) -> bool:
        """Whether the answer is right by either of the two rules that can be trusted."""
        return self.strict or self.fuzzy

    @property
    def off_list(self) -> bool:
        """Whether something was answered that is no class of the list."""
        return self.answered and self.label is None


def accuracies(verdicts: Sequence[Verdict]) -> dict[str, float | None]:
    """Share of right answers by each rule; None without verdicts.

    >>> verdict = Verdict("rose", "rose", answered=True, strict=False, visual_rft=True)
    >>> accuracies([verdict])
    {'accuracy': 0.0, 'accuracy_fuzzy': 1.0, 'accuracy_visual_rft': 1.0}
    """
    return {
        "accuracy": _share(verdict.strict for verdict in verdicts),
        "accuracy_fuzzy": _share(verdict.fuzzy for verdict in verdicts),
        "accuracy_visual_rft": _share(verdict.visual_rft for verdict in verdicts),
    }


def per_class(verdicts: Sequence[Verdict]) -> dict[str, dict[str, int | float | bool | None]]:
    """For every true class its accuracies and counts: true, predicted, off the list, unanswered."""
    of: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        of.setdefault(verdict.truth, []).append(verdict)
    predicted = Counter(verdict.label for verdict in verdicts)
    return {
        name: {
            **accuracies(own),
            "truth": len(own),
            "predicted": predicted[name],
            "off_list": sum(verdict.off_list for verdict in own),
            "without_answer": sum(not verdict.answered for verdict in own),
        }
        for name, own in sorted(of.items())
    }


def confusion(verdicts: Iterable[Verdict]) -> Confusion:
    """Which classes were taken for which other ones, the most frequent pairs first (then by name)."""
    verdicts = list(verdicts)
    pairs = Counter(
        (verdict.truth, verdict.label) for verdict in verdicts if verdict.label is not None and not verdict.fuzzy
    )
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return Confusion(
        pairs=[ConfusedPair(truth=truth, predicted=label, count=count) for (truth, label), count in ordered[:_PAIRS]],
        more_pairs=max(0, len(ordered) - _PAIRS),
        other_class=pairs.total(),
        off_list=sum(verdict.off_list for verdict in verdicts),
        without_answer=sum(not verdict.answered for verdict in verdicts),
    )


class ReleasedErrors(NamedTuple):
    """Answers that the released rule gets wrong: paid though wrong, and not paid though right."""

    paid_wrong: int
    unpaid_right: int


def released_errors(verdicts: Iterable[Verdict]) -> ReleasedErrors:
    """Judge the released rule by the strict and the fuzzy one together."""
    verdicts = list(verdicts)
    return ReleasedErrors(
        sum(verdict.visual_rft and not verdict.right for verdict in verdicts),
        sum(verdict.right and not verdict.visual_rft for verdict in verdicts),
    )


def _share(hits: Iterable[bool]) -> float | None:
    values = list(hits)
    return sum(values) / len(values) if values else None
