"""How sure a report is of its numbers, in words and rows that Markdown, HTML and the terminal share."""

from __future__ import annotations

from vrft_eval.report.words import number
from vrft_eval.schemas import Calibration, Correlation, ErrorKinds, Interval, Report

ERRORS = {
    "Cls": "right place, another category's object",
    "Loc": "right category, IoU of .10 to .50",
    "Both": "another category's object, IoU of .10 to .50",
    "Dupe": "an object that a surer box has found already",
    "Bkg": "nothing there",
    "Miss": "an object that no box is about",
    "FP": "every wrong box",
    "FN": "every object that was not found",
}
"""TIDE's kinds."""


def interval_text(interval: Interval | None) -> str:
    """An interval as text, empty when there is none.

    >>> interval_text(Interval(low=0.31239, high=0.4, level=0.95, resamples=1000, bias=0.0))
    '[0.312, 0.400]'
    """
    return "" if interval is None else f"[{number(interval.low)}, {number(interval.high)}]"


def interval_note(report: Report) -> str:
    """Say what the intervals are; empty when there are none."""
    some = next(iter(report.intervals.values()), None)
    if some is None:
        return ""
    drawn = max(interval.resamples for interval in report.intervals.values())
    return f"Intervals: {some.level:.0%}, bootstrap over images, {drawn:,} resamples, seed {report.seed}."


def correlation_text(found: Correlation) -> str:
    """One sentence on whether the reward tracks the metric.

    >>> correlation_text(Correlation(metric="IoU", value=0.5, n=40))
    "Rank correlation of an image's mean reward with its IoU: 0.500 over 40 images."
    """
    start = f"Rank correlation of an image's mean reward with its {found.metric}:"
    if found.value is None:
        return f"{start} n/a ({found.reason})."
    interval = interval_text(found.interval)
    return f"{start} {number(found.value)}{' ' if interval else ''}{interval} over {found.n:,} images."


def calibration_text(found: Calibration) -> str:
    """One sentence on how honest the confidences are."""
    return (
        f"Expected calibration error {number(found.ece)} (largest of a bin {number(found.mce)}): confidence against "
        f"being right at IoU {found.iou:.2f}, {found.detections:,} boxes (without those that the metric ignores), "
        f"{len(found.bins)} bins of equal width."
    )


def calibration_rows(found: Calibration) -> list[list[str]]:
    """Confidence bin, boxes, mean confidence, share right; bins without boxes are left out."""
    return [
        [f"{b.low:.1f} to {b.high:.1f}", number(b.count), number(b.confidence), number(b.precision)]
        for b in found.bins
        if b.count
    ]


CALIBRATION_HEAD = ["confidence", "boxes", "mean confidence", "share right"]


def error_rows(found: ErrorKinds) -> list[list[str]]:
    """Kind of error, how many, what mending it would add to AP50, what it means."""
    return [
        [kind, number(found.counts.get(kind)) if kind in found.counts else "", number(found.delta_ap[kind]), meaning]
        for kind, meaning in ERRORS.items()
        if kind in found.delta_ap
    ]


def error_text(found: ErrorKinds) -> str:
    """One sentence on what the table of errors holds."""
    return f"What mending one kind of error would add to AP at IoU {found.iou:.2f}, which is {number(found.ap)} (TIDE)."


ERROR_HEAD = ["error", "boxes or objects", "AP gained", "meaning"]
