"""Precision and recall curves from hotcoco, or from pycocotools to check it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from vrft_eval.errors import InputError, choice
from vrft_eval.metrics.table import DetectionTable, Floats
from vrft_eval.schemas import Engine

MOST = {"coco": (1, 10, 100), "lvis": (300,)}
"""Detections that count: COCO's limits are per image and category, LVIS's is per image."""
AREAS = ("all", "small", "medium", "large")


@dataclass(frozen=True, eq=False)
class Curves:
    """What an engine found, -1 where there is no truth.

    precision is (10 IoU thresholds, 101 recalls, categories, 4 areas), at the largest limit; recall is (10,
    categories, 4 areas, limits); categories are in the table's order.
    """

    precision: Floats
    recall: Floats


def curves_of(table: DetectionTable, engine: Engine) -> Curves:
    """Run an engine. Raises InputError when it doesn't know the table's rule."""
    check_engine(engine, table.rule)
    run = _ENGINES[engine](table)
    return Curves(run["precision"][..., -1], run["recall"])


def find_engine(name: str) -> Engine:
    """The engine of that name. Raises InputError."""
    engine: Engine = choice(name, get_args(Engine), "--engine")
    return engine


def check_engine(engine: Engine, rule: str) -> None:
    """Raise InputError for an engine that can't judge by the rule."""
    if engine == "pycocotools" and rule == "lvis":
        raise InputError(
            "pycocotools can't judge by LVIS's federated rules; hotcoco can (and is tested against the lvis package)",
            field="engine",
            value=engine,
        )


def hotcoco_run(table: DetectionTable, iou: float | None = None) -> Any:
    """A hotcoco evaluator that has matched the table's detections; given an IoU, at that threshold and any size only.

    Ids are given anew, from 1: hotcoco and pycocotools misread 0 and repeated ones.
    """
    import hotcoco

    lvis = table.rule == "lvis"
    truth, found = table.truth, table.found
    images: list[dict[str, Any]] = [
        {"id": number, "width": width, "height": height} for number, (width, height) in enumerate(table.sizes, start=1)
    ]
    categories = [{"id": number, "name": str(number)} for number in range(1, len(table.category_ids) + 1)]
    if lvis:
        for field, pairs in (
            ("neg_category_ids", table.negatives),
            ("not_exhaustive_category_ids", table.not_exhaustive),
        ):
            for image in images:
                image[field] = []
            for pair in pairs.tolist():
                images[pair % len(images)][field].append(pair // len(images) + 1)
        for category, frequency in zip(categories, table.frequencies, strict=True):
            category["frequency"] = frequency or "f"
    coco = hotcoco.COCO.from_arrays(
        images,
        categories,
        truth.image + 1,
        truth.category + 1,
        truth.boxes,
        area=truth.area,
        iscrowd=truth.crowd,
    )
    rows = np.column_stack([found.image + 1, found.boxes, found.scores, found.category + 1])
    evaluator = hotcoco.COCOeval(coco, coco.load_res(rows), "bbox", lvis_style=lvis)
    evaluator.params.max_dets = list(MOST[table.rule])
    if iou is not None:
        evaluator.params.iou_thrs = [iou]
        evaluator.params.area_rng, evaluator.params.area_rng_lbl = [[0, 1e10]], ["all"]
    evaluator.evaluate()
    return evaluator


def _hotcoco(table: DetectionTable) -> Mapping[str, Floats]:
    evaluator = hotcoco_run(table)
    evaluator.accumulate()
    curves: Mapping[str, Floats] = evaluator.eval
    return curves


def _pycocotools(table: DetectionTable) -> Mapping[str, Floats]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    shared: dict[str, Any] = {
        "images": [{"id": number} for number in range(1, len(table.image_ids) + 1)],
        "categories": [{"id": number} for number in range(1, len(table.category_ids) + 1)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        wanted, results = COCO(), COCO()
        wanted.dataset = shared | {"annotations": list(_truth_rows(table))}
        results.dataset = shared | {"annotations": list(_found_rows(table))}  # loadRes raises when there are none
        wanted.createIndex()
        results.createIndex()
        evaluator = COCOeval(wanted, results, "bbox")
        evaluator.params.maxDets = list(MOST["coco"])
        evaluator.evaluate()
        evaluator.accumulate()
    curves: Mapping[str, Floats] = evaluator.eval
    return curves


def _truth_rows(table: DetectionTable) -> Iterator[dict[str, Any]]:
    truth = table.truth
    columns = (truth.image + 1, truth.category + 1, truth.boxes, truth.area, truth.crowd)
    for number, row in enumerate(zip(*(column.tolist() for column in columns), strict=True), start=1):
        names = ("image_id", "category_id", "bbox", "area", "iscrowd")
        yield {"id": number, **dict(zip(names, row, strict=True))}


def _found_rows(table: DetectionTable) -> Iterator[dict[str, Any]]:
    found = table.found
    area = found.boxes[:, 2] * found.boxes[:, 3]
    columns = (found.image + 1, found.category + 1, found.boxes, area, found.scores)
    for number, row in enumerate(zip(*(column.tolist() for column in columns), strict=True), start=1):
        names = ("image_id", "category_id", "bbox", "area", "score")
        yield {"id": number, "iscrowd": 0, **dict(zip(names, row, strict=True))}


_ENGINES: Mapping[Engine, Callable[[DetectionTable], Mapping[str, Floats]]] = {
    "hotcoco": _hotcoco,
    "pycocotools": _pycocotools,
}
