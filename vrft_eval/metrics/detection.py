"""COCO's and LVIS's summary numbers from an engine's curves, over the selected categories."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vrft_eval.metrics.engines import MOST, Curves, curves_of
from vrft_eval.metrics.table import DetectionTable, Floats
from vrft_eval.schemas import Engine

IOU_AT = {"AP50": 0, "AP75": 5}
"""Index of the IoU threshold in .50:.05:.95."""
HEADLINES = ("mAP", "AP50", "AP75")
FREQUENCIES = {"APr": "r", "APc": "c", "APf": "f"}
"""LVIS's groups: rare (at most 10 training images), common (at most 100), frequent."""
_SIZES = {"s": 1, "m": 2, "l": 3}


@dataclass(frozen=True)
class DetectionMetrics:
    """Values in 0..1, None where there is no ground truth; per category keyed by category id.

    precision is that of the selected categories with truth, (10 IoU thresholds, 101 recalls).
    """

    overall: dict[str, float | None]
    per_category: dict[int, dict[str, float | None]]
    without_truth: tuple[int, ...]
    precision: dict[int, Floats]


def detection_metrics(table: DetectionTable, selected: Collection[int], engine: Engine = "hotcoco") -> DetectionMetrics:
    """Measure a table; selected are the ids of the categories that the overall metrics are means over.

    The mean is over the selected categories that have ground truth (crowds alone are none); the others are
    listed in `without_truth` and None. mAP is AP averaged over IoU .50:.95, with at most 100 detections an image and
    category, as in COCO; for LVIS 300 an image, by its federated rules. Raises InputError for an engine that can't.
    """
    curves = curves_of(table, engine)
    columns = dict(_columns(curves, MOST[table.rule]))
    keys = table.category_ids
    chosen = np.array([key in selected for key in keys])
    overall = {name: _mean(values[chosen]) for name, values in columns.items()}
    if table.rule == "lvis":
        groups = np.array(table.frequencies)
        rare_to_frequent = {
            name: _mean(columns["mAP"][chosen & (groups == group)]) for name, group in FREQUENCIES.items()
        }
        overall = {name: overall[name] for name in HEADLINES} | rare_to_frequent | overall
    rows = zip(*(map(_known, values.tolist()) for values in columns.values()), strict=True)
    per_category = {key: dict(zip(columns, row, strict=True)) for key, row in zip(keys, rows, strict=True)}
    without = tuple(key for key in keys if key in selected and per_category[key]["mAP"] is None)
    precision = {key: curves.precision[:, :, place, 0] for place, key in enumerate(keys) if key in selected}
    precision = {key: values for key, values in precision.items() if key not in without}
    return DetectionMetrics(overall, per_category, without, precision)


def _columns(curves: Curves, limits: Sequence[int]) -> Iterator[tuple[str, Floats]]:
    """Each metric of every category, (categories,); NaN without truth."""
    # A category has truth of a size at every threshold and recall, or at none, so plain means will do.
    precision = np.where(curves.precision < 0, np.nan, curves.precision)
    recall = np.where(curves.recall < 0, np.nan, curves.recall)
    yield "mAP", precision[..., 0].mean(axis=(0, 1))
    for name, index in IOU_AT.items():
        yield name, precision[index, ..., 0].mean(axis=0)
    for letter, area in _SIZES.items():
        yield f"AP{letter}", precision[..., area].mean(axis=(0, 1))
    for position, limit in enumerate(limits):
        yield f"AR{limit}", recall[:, :, 0, position].mean(axis=0)
    for letter, area in _SIZES.items():
        yield f"AR{letter}", recall[:, :, area, -1].mean(axis=0)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _mean(values: Floats) -> float | None:
    valid = values[~np.isnan(values)].tolist()
    return math.fsum(valid) / len(valid) if valid else None
