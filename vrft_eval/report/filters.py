"""What a page's samples can be filtered by: the outcome, and what is odd about an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vrft_eval.metrics.visual_rft import released_accepts
from vrft_eval.report.pairs import Pairs
from vrft_eval.tasks.judged import Judged

HIGH, LOW, ENOUGH = 2 / 3, 1 / 3, 0.5
"""Shares of the span of the reward that count as high and low, and the IoU from which a box counts as found."""

OUTCOMES = {
    "right": "everything found, and nothing else",
    "partly": "some objects found, but others missed or boxes too many",
    "wrong": "nothing found, or something where nothing is",
    "unanswered": "not asked, or no answer recorded",
    "failed": "the backend gave an error instead of an answer",
}


@dataclass(frozen=True)
class Filter:
    """One button of the page: its key in the address, its words, and when a sample is shown."""

    key: str
    label: str
    meaning: str
    fits: Callable[[_Seen], bool]


@dataclass(frozen=True)
class _Seen:
    item: Judged
    pairs: Pairs
    share: float
    """Where the reward lies between its lowest and highest value."""

    @property
    def said(self) -> bool:
        return bool(self.item.text)

    @property
    def classes(self) -> bool:
        return isinstance(self.item.sample.truth, str)


def _poor(seen: _Seen) -> bool:
    return seen.pairs.iou is not None and seen.pairs.iou < ENOUGH if not seen.classes else seen.item.outcome == "wrong"


def _rules_disagree(seen: _Seen) -> bool:
    if not seen.classes or not seen.said:
        return False
    truth, strict = seen.item.sample.label, seen.item.outcome == "right"
    return strict != (seen.item.label == truth) or strict != released_accepts(seen.item.text, truth)


FILTERS = (
    Filter("missed", "missed objects", "a true box that no predicted one is matched to", lambda s: s.pairs.missed > 0),
    Filter(
        "hallucinated",
        "hallucinated",
        "boxes where there is nothing to find",
        lambda s: not s.classes and not len(s.item.sample.boxes) and len(s.item.boxes) > 0,
    ),
    Filter(
        "off_list",
        "no class of the set",
        "something was answered, but no class of the set",
        lambda s: s.classes and s.said and s.item.label is None,
    ),
    Filter(
        "broken",
        "format broken",
        "not one think block, then one answer",
        lambda s: s.said and not s.item.response.well_formed,
    ),
    Filter(
        "unreadable",
        "unreadable",
        "nothing in the answer could be read",
        lambda s: s.said and s.item.status in ("unparsable", "missing"),
    ),
    Filter("dropped", "parser dropped something", "part of the answer was not taken", lambda s: bool(s.item.issues)),
    Filter(
        "cut_off",
        "cut off",
        "ended by the token limit",
        lambda s: s.item.answer is not None and s.item.answer.finish == "length",
    ),
    Filter(
        "overpaid",
        "high reward, low IoU",
        "two thirds of the reward or more, but an IoU below .50, or the wrong class",
        lambda s: s.share >= HIGH and _poor(s),
    ),
    Filter(
        "underpaid",
        "low reward, right",
        "right, but a third of the reward or less",
        lambda s: s.share <= LOW and s.item.outcome == "right",
    ),
    Filter("rules", "rules disagree", "the strict, fuzzy and visual-rft rules don't say the same", _rules_disagree),
)
"""In the page's order; those that fit no sample have no button."""


def keys_of(item: Judged, pairs: Pairs, bounds: tuple[float, float]) -> Iterator[str]:
    """The keys of all filters that show a sample, its outcome first."""
    low, high = bounds
    seen = _Seen(item, pairs, (item.score.value - low) / (high - low) if high > low else 0.0)
    yield item.outcome
    yield from (entry.key for entry in FILTERS if entry.fits(seen))
