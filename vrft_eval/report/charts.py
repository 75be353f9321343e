"""What the charts of a page are made of; `page/scripts/charts.js` draws them.

A chart is a dictionary: kind ("lines" or "bars"), title, note, summary (for who doesn't see it), x and y (label, range,
and for x its values), series (label, values, colour: the name of a colour in style.css, dash), diagonal (the line of
equals), points, and choices: other values for the same series, under names to choose from. Values of lines are whole
thousandths, without the zeros at their end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vrft_eval.metrics.average_precision import RECALLS
from vrft_eval.metrics.table import Floats
from vrft_eval.report.visible import plain
from vrft_eval.report.words import number
from vrft_eval.schemas import Calibration, Report
from vrft_eval.tasks.judged import Verdicts

Chart = dict[str, Any]
_CURVES = {"IoU .50": (0, "truth", None), "IoU .75": (5, "third", None), "mean of .50 to .95": (None, "pred", [7, 4])}
"""Label, IoU threshold's index (None: their mean), colour, dash."""
_BINS = 20


def make_charts(report: Report, judged: Verdicts, precision: Mapping[str, Floats]) -> list[Chart]:
    """The charts that there is something to show in; precision is `Measures.precision`."""
    charts = [precision_recall(precision)] if precision else []
    calibration = None if report.diagnostics is None else report.diagnostics.calibration
    if calibration is not None:
        charts += [reliability(calibration), confidences(calibration)]
    return [*charts, *_rewards(report, judged)]


def precision_recall(precision: Mapping[str, Floats]) -> Chart:
    """Precision over recall, mean over the categories, and of each; precision is (10 IoU thresholds, 101 recalls)."""
    return {
        "kind": "lines",
        "title": "Precision and recall",
        "note": f"mean of {number(len(precision))} categories" if len(precision) > 1 else "",
        "summary": "Precision at each recall, for three IoU thresholds",
        "x": {"label": "recall", "values": RECALLS.round(2).tolist(), "range": [0, 1]},
        "y": {"label": "precision", "range": [0, 1.02]},
        "series": [
            {"label": label, "values": values, "colour": colour, **({"dash": dash} if dash else {})}
            for (label, (_, colour, dash)), values in zip(
                _CURVES.items(), _curves(np.mean(list(precision.values()), axis=0)), strict=True
            )
        ],
        "choices": {
            "label": "category",
            "all": "all categories",
            "lines": [[plain(name, 60), list(_curves(values))] for name, values in precision.items()],
        }
        if len(precision) > 1
        else None,
    }


def _curves(precision: Floats) -> Iterator[list[int]]:
    for index, _, _ in _CURVES.values():
        yield _thousandths(precision.mean(axis=0) if index is None else precision[index])


def _thousandths(values: ArrayLike) -> list[int]:
    whole: list[int] = np.round(np.asarray(values) * 1000).astype(int).tolist()
    while whole and whole[-1] == 0:
        whole.pop()
    return whole


def reliability(found: Calibration) -> Chart:
    """Share right over confidence, in bins; honest confidences lie on the diagonal."""
    bins = [(b.confidence, b.precision) for b in found.bins if b.confidence is not None and b.precision is not None]
    return {
        "kind": "lines",
        "title": "Reliability",
        "note": f"ECE {number(found.ece)}; on the dashed line, confidence is honest",
        "summary": "; ".join(f"confidence {number(sure, 2)}: {number(right, 2)} right" for sure, right in bins),
        "x": {"label": "mean confidence", "values": [sure for sure, _ in bins], "range": [0, 1]},
        "y": {"label": "share right", "range": [0, 1.02]},
        "series": [
            {
                "label": f"right at IoU {found.iou:.2f}",
                "values": _thousandths([right for _, right in bins]),
                "colour": "truth",
            }
        ],
        "points": True,
        "diagonal": True,
    }


def confidences(found: Calibration) -> Chart:
    """How many boxes have which confidence, and how many of them are right."""
    right = [round(b.count * (b.precision or 0)) for b in found.bins]
    return _bars(
        "Confidence",
        f"{found.detections:,} boxes",
        "confidence",
        [(b.low, b.high) for b in found.bins],
        [("boxes", [b.count for b in found.bins], "pred"), ("of them right", right, "truth")],
    )


def _rewards(report: Report, judged: Verdicts) -> list[Chart]:
    """How the reward and each of its parts are spread over the samples."""
    if not len(judged):
        return []
    low, high = report.rewards.bounds
    columns = {"reward": (judged.rewards, low, high, report.rewards.mean)}
    for name, values in judged.parts.items():
        columns[name] = (values, min(0.0, min(values)), max(1.0, max(values)), report.rewards.parts[name])
    return [_spread(name, values, low, high, mean) for name, (values, low, high, mean) in columns.items()]


def _spread(name: str, values: Sequence[float], low: float, high: float, mean: float | None) -> Chart:
    counts, edges = np.histogram(values, _BINS, (low, high))
    bins = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    title = "Reward" if name == "reward" else f"Part: {name}"
    return _bars(title, f"mean {number(mean)}", name, bins, [("samples", counts.tolist(), "truth")])


def _bars(
    title: str,
    note: str,
    x: str,
    bins: Sequence[tuple[float, float]],
    series: Sequence[tuple[str, list[int], str]],
) -> Chart:
    return {
        "kind": "bars",
        "title": title,
        "note": note,
        "summary": "; ".join(
            f"{low:.2f} to {high:.2f}: " + ", ".join(f"{values[k]} {label}" for label, values, _ in series)
            for k, (low, high) in enumerate(bins)
            if series[0][1][k]
        ),
        "x": {
            "label": x,
            "values": [round((low + high) / 2, 4) for low, high in bins],
            "names": [f"{low:.2f} to {high:.2f}" for low, high in bins],
            "range": [bins[0][0], bins[-1][1]],
        },
        "y": {"label": series[0][0]},
        "series": [{"label": label, "values": values, "colour": colour} for label, values, colour in series],
    }
