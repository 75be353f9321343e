"""How far the harness's detection metrics are from the references: `python tests/parity/detection_parity.py`.

Prints, per data set and metric, the largest difference over all categories and over their means.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
from collections.abc import Callable, Collection
from unittest.mock import patch

import numpy as np
from detection_worlds import COCO_TINY, LVIS_100, World, generated, rare_lvis, real_coco, real_lvis
from numpy.typing import NDArray

from vrft_eval.metrics.average_precision import DetectionRecords
from vrft_eval.metrics.detection import detection_metrics
from vrft_eval.metrics.engines import MOST
from vrft_eval.metrics.matches import find_matches
from vrft_eval.tasks import TASKS

AREAS = {"s": 1, "m": 2, "l": 3}
Curves = tuple[NDArray[np.float64], NDArray[np.float64]]


def pycocotools_curves(world: World) -> Curves:
    """Precision (10, 101, categories, areas) and recall (10, categories, areas, limits), from pycocotools."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = copy.deepcopy(world.document)
        for annotation in truth.dataset["annotations"]:
            annotation.setdefault("iscrowd", 0)
        truth.createIndex()
        engine = COCOeval(truth, truth.loadRes(copy.deepcopy(world.predictions)), "bbox")
        engine.evaluate()
        engine.accumulate()
    return engine.eval["precision"][..., -1], engine.eval["recall"]


def lvis_curves(world: World) -> Curves:
    """The same from the lvis package, with one limit."""
    import lvis

    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        # lvis 0.5.3 uses an alias that NumPy dropped in 1.24.
        with patch.object(np, "float", float, create=True):
            truth = lvis.LVIS.__new__(lvis.LVIS)
            truth.logger = logging.getLogger("lvis")
            truth.dataset = copy.deepcopy(world.document)
            truth._create_index()
            engine = lvis.LVISEval(truth, lvis.LVISResults(truth, copy.deepcopy(world.predictions)), "bbox")
            engine.evaluate()
            engine.accumulate()
    finally:
        logging.disable(disabled)
    return engine.eval["precision"], engine.eval["recall"][..., None]


def summary(curves: Curves, columns: list[int], limits: tuple[int, ...]) -> dict[str, float | None]:
    """The references' summary over some categories."""
    precision, recall = curves[0][:, :, columns], curves[1][:, columns]
    row = {"mAP": precision[..., 0], "AP50": precision[0, ..., 0], "AP75": precision[5, ..., 0]}
    row |= {f"AP{letter}": precision[..., area] for letter, area in AREAS.items()}
    row |= {f"AR{limit}": recall[..., 0, k] for k, limit in enumerate(limits)}
    row |= {f"AR{letter}": recall[..., area, -1] for letter, area in AREAS.items()}
    return {name: float(values[values > -1].mean()) if (values > -1).any() else None for name, values in row.items()}


def differences(world: World, selected: Collection[int] | None = None) -> dict[str, float]:
    """The largest difference from the reference per metric, over the mean and over every category.

    Infinite where only one of the two has a value. `records` is the largest difference of the match records' mAP, AP50
    and AP75 from the engine's.
    """
    table = world.table()
    keys = table.category_ids
    chosen = set(keys if selected is None else selected)
    found = detection_metrics(table, chosen)
    limits = MOST[world.rule]
    if world.rule == "lvis":
        curves = lvis_curves(world)
    else:
        curves = pycocotools_curves(world)
        other = detection_metrics(table, chosen, "pycocotools")
        assert other.without_truth == found.without_truth
    places = [place for place, key in enumerate(keys) if key in chosen]
    wanted = summary(curves, places, limits)
    if world.rule == "lvis":
        for name, group in (("APr", "r"), ("APc", "c"), ("APf", "f")):
            wanted[name] = summary(curves, [k for k in places if table.frequencies[k] == group], limits)["mAP"]
    gaps = {name: _gap(found.overall[name], value) for name, value in wanted.items()}
    for place, key in enumerate(keys):
        for name, value in summary(curves, [place], limits).items():
            gaps[name] = max(gaps[name], _gap(found.per_category[key][name], value))
    ones = np.ones((1, len(table.image_ids)), dtype=np.int32)
    points = DetectionRecords(table, find_matches(table, chosen)).metrics(ones)
    gaps["records"] = max(
        _gap(None if np.isnan(values[0]) else float(values[0]), found.overall[name]) for name, values in points.items()
    )
    return gaps


def _gap(one: float | None, other: float | None) -> float:
    if one is None or other is None:
        return 0.0 if one is other else float("inf")
    return abs(one - other)


def named(world: World, names: Collection[str]) -> set[int]:
    """The ids of categories by name."""
    return {category["id"] for category in world.document["categories"] if category["name"] in names}


def worlds() -> dict[str, Callable[[], tuple[World, set[int] | None]]]:
    """Every comparison by its name; the real ones only where the files are."""

    def task(name: str, world: World) -> tuple[World, set[int] | None]:
        return world, named(world, TASKS[name].categories or ())

    cases: dict[str, Callable[[], tuple[World, set[int] | None]]] = {
        "COCO rules, generated, 10 sets": lambda: (generated(0), None),
        "LVIS rules, generated, 10 sets": lambda: (generated(0, lvis=True), None),
    }
    for name in ("lvis-rare6", "lvis-rare13"):
        cases[f"{name}, generated"] = lambda name=name: task(name, rare_lvis())  # type: ignore[misc]
    if COCO_TINY.is_file():
        cases["COCO, 80 real photos"] = lambda: (real_coco(), None)
        for name in ("coco-fewshot8", "coco-novel15"):
            cases[f"{name}, 80 real photos"] = lambda name=name: task(name, real_coco())  # type: ignore[misc]
    if LVIS_100.is_file():
        cases["LVIS, 100 real images"] = lambda: (real_lvis(), None)
    return cases


def main() -> None:
    """Print the table."""
    rows: dict[str, dict[str, float]] = {}
    for name, case in worlds().items():
        rows[name] = differences(*case())
        if "10 sets" in name:
            for seed in range(1, 10):
                for metric, gap in differences(generated(seed, lvis="LVIS" in name)).items():
                    rows[name][metric] = max(rows[name][metric], gap)
    heads = list(dict.fromkeys(metric for row in rows.values() for metric in row))
    print(f"| metric | {' | '.join(rows)} |\n|---|{'---|' * len(rows)}")
    for head in heads:
        cells = ["" if head not in row else f"{row[head]:.0e}" if row[head] else "0" for row in rows.values()]
        print(f"| {head} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
