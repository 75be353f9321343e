"""Calibration and error kinds against small computations written from their papers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from detection_worlds import World, generated

from vrft_eval.metrics.detection import detection_metrics
from vrft_eval.metrics.diagnostics import calibration, diagnose, error_kinds
from vrft_eval.metrics.matches import find_matches
from vrft_eval.metrics.table import DetectionTable
from vrft_rewards import box_iou

KINDS = ("Cls", "Loc", "Both", "Dupe", "Bkg")


def test_calibration_has_the_closed_form() -> None:
    """Two images with one object each; .95 right, .95 wrong, .35 wrong: ECE = 2/3 |.95 - .5| + 1/3 |.35 - 0|."""
    document = {
        "images": [{"id": k, "width": 100, "height": 100} for k in (1, 2)],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": k, "image_id": k, "category_id": 1, "bbox": [0, 0, 50, 50], "area": 2500, "iscrowd": 0}
            for k in (1, 2)
        ],
    }
    rows: list[dict[str, Any]] = [
        {"image_id": 1, "category_id": 1, "bbox": [0, 0, 50, 50], "score": 0.95},
        {"image_id": 2, "category_id": 1, "bbox": [60, 60, 30, 30], "score": 0.95},
        {"image_id": 2, "category_id": 1, "bbox": [50, 0, 30, 30], "score": 0.35},
    ]
    table = World(document, rows).table()
    found = calibration(find_matches(table))
    assert found is not None
    assert found.ece == pytest.approx(2 / 3 * 0.45 + 1 / 3 * 0.35)
    assert found.mce == pytest.approx(0.45)
    assert found.detections == 3
    assert [(b.low, b.high) for b in found.bins] == [pytest.approx((k / 10, (k + 1) / 10)) for k in range(10)]
    assert [b.count for b in found.bins] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 2]
    assert found.bins[9].confidence == pytest.approx(0.95)
    assert found.bins[9].precision == 0.5
    assert found.bins[0].precision is None


def test_confidence_that_is_the_chance_of_being_right_is_calibrated() -> None:
    """In every bin as many detections are right as their confidence says."""
    images, rows, annotations = [], [], []
    for k in range(1, 41):
        images.append({"id": k, "width": 100, "height": 100})
        annotations.append(
            {"id": k, "image_id": k, "category_id": 1, "bbox": [0, 0, 50, 50], "area": 2500, "iscrowd": 0}
        )
        score, right = (0.25, k % 4 == 0) if k <= 20 else (0.75, k % 4 != 0)
        rows.append({"image_id": k, "category_id": 1, "bbox": [0 if right else 50, 0, 50, 50], "score": score})
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cat"}]}
    found = calibration(find_matches(World(document, rows).table()))
    assert found is not None
    assert found.ece == pytest.approx(0.0, abs=1e-12)


def test_what_a_crowd_ignores_is_not_counted_and_nothing_is_none() -> None:
    world = generated(1, crowds=0.5)
    table = world.table()
    matches = find_matches(table)
    found = calibration(matches)
    assert found is not None
    assert 0 < matches.ignored[:, 0].sum() == len(matches.row) - found.detections
    empty = World(world.document, []).table()
    assert calibration(find_matches(empty)) is None
    bare = World({**world.document, "annotations": []}, world.predictions).table()
    nothing = diagnose(bare, find_matches(bare))
    assert nothing.errors is None
    assert nothing.calibration is not None


@dataclass
class _Truth:
    image: int
    category: int
    box: Any
    used: bool = False
    best: float = -1.0
    best_row: int = -1
    claimed: bool = False


def _average_precision(points: list[tuple[float, bool]], positives: int) -> float:
    right = np.array([hit for _, hit in sorted(points, key=lambda point: -point[0])], dtype=np.float64)
    if not len(right):
        return 0.0
    hits = np.cumsum(right)
    envelope = np.maximum.accumulate((hits / np.arange(1, len(right) + 1))[::-1])[::-1]
    at = np.searchsorted(hits / positives, np.linspace(0, 1, 101))
    return float(np.append(envelope, 0.0)[at].mean())


def tide(table: DetectionTable) -> tuple[float, dict[str, float], dict[str, int]]:
    """AP at IoU .50, what mending each kind of error adds to it, and how many there are, one box after the other.

    After section 2 of the paper (Bolya et al., arXiv 2008.08558): an error's kind from its largest overlaps, and its
    oracle: Cls and Loc errors become right unless their object is found already or by a better such error; Dupe, Bkg
    and Both go away; missed objects that no error of the first two kinds is about are not asked for.
    """
    matches = find_matches(table)
    corners = table.truth.boxes + np.concatenate(
        [np.zeros_like(table.truth.boxes[:, :2]), table.truth.boxes[:, :2]], axis=1
    )
    truths = [
        _Truth(int(table.truth.image[k]), int(table.truth.category[k]), corners[k])
        for k in np.flatnonzero(~table.truth.crowd)
    ]
    rows = [k for k in range(len(matches.row)) if not matches.ignored[k, 0]]
    boxes = table.found.boxes[matches.row]
    boxes = boxes + np.concatenate([np.zeros_like(boxes[:, :2]), boxes[:, :2]], axis=1)
    for k in rows:
        if matches.right[k, 0]:
            mine = [
                t for t in truths if (t.image, t.category) == (matches.image[k], matches.category[k]) and not t.used
            ]
            overlaps = box_iou(boxes[k : k + 1], np.array([t.box for t in mine]))[0]
            mine[len(mine) - 1 - int(np.argmax(overlaps[::-1]))].used = True
    kinds: dict[int, str] = {}
    claims: dict[int, _Truth] = {}
    for k in rows:
        if matches.right[k, 0]:
            continue
        near = [t for t in truths if t.image == matches.image[k]]
        overlaps = box_iou(boxes[k : k + 1], np.array([t.box for t in near]).reshape(-1, 4))[0]
        same = np.array([t.category == matches.category[k] for t in near], dtype=np.bool_)
        best_same, best_other = overlaps[same].max(initial=0), overlaps[~same].max(initial=0)
        if 0.1 <= best_same <= 0.5:
            kinds[k], claims[k] = "Loc", near[int(np.argmax(np.where(same, overlaps, -1)))]
        elif best_other >= 0.5:
            kinds[k], claims[k] = "Cls", near[int(np.argmax(np.where(same, -1, overlaps)))]
        elif best_same > 0.5:
            kinds[k] = "Dupe"
        else:
            kinds[k] = "Bkg" if max(best_same, best_other) <= 0.1 else "Both"
        if k in claims:
            claim = claims[k]
            claim.claimed = True
            if claim.best < matches.scores[k]:
                claim.best, claim.best_row = float(matches.scores[k]), k
    positives = np.bincount([t.category for t in truths], minlength=len(table.category_ids))
    missed = [t for t in truths if not t.used and not t.claimed]

    def mean(mended: str = "", wanted: Any = positives) -> float:
        points: dict[int, list[tuple[float, bool]]] = {}
        for k in rows:
            category, hit = int(matches.category[k]), bool(matches.right[k, 0])
            if mended and kinds.get(k) == mended:
                claim = claims.get(k)
                if claim is None or claim.used or claim.best_row != k:
                    continue
                category, hit = claim.category, True
            points.setdefault(category, []).append((float(matches.scores[k]), hit))
        values = [_average_precision(points.get(k, []), int(n)) for k, n in enumerate(wanted) if n]
        return float(np.mean(values))

    base = mean()
    gains = {kind: mean(kind) - base for kind in KINDS}
    left = positives - np.bincount([t.category for t in missed], minlength=len(positives))
    assert (left[positives > 0] > 0).all(), "choose data in which every category is found at least once"
    gains["Miss"] = mean(wanted=left) - base
    counts = {kind: sum(found == kind for found in kinds.values()) for kind in KINDS}
    return base, gains, counts | {"Miss": len(missed)}


def _untied(world: World) -> DetectionTable:
    table = world.table()
    scores = np.random.default_rng(0).permutation(np.linspace(0.01, 0.99, len(table.found)))
    return replace(table, found=replace(table.found, scores=scores))


@pytest.mark.parametrize("crowds", [0.0, 0.25])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_error_kinds_equal_the_papers_definition(seed: int, crowds: float) -> None:
    table = _untied(generated(seed, crowds=crowds))
    found = error_kinds(table, find_matches(table))
    assert found is not None
    base, gains, counts = tide(table)
    assert min(counts.values()) > 0
    assert found.counts == counts
    assert found.ap == pytest.approx(base, abs=1e-9)
    assert {name: found.delta_ap[name] for name in gains} == pytest.approx(gains, abs=1e-9)
    assert found.ap == pytest.approx(detection_metrics(table, table.category_ids).overall["AP50"], abs=1e-9)
    # FP: all wrong detections away; FN: no object asked for that wasn't found.
    assert found.delta_ap["FP"] >= max(found.delta_ap[name] for name in ("Both", "Dupe", "Bkg"))
    assert found.delta_ap["FN"] >= found.delta_ap["Miss"]


def test_error_kinds_follow_lvis_rules_too() -> None:
    table = _untied(generated(4, lvis=True))
    matches = find_matches(table)
    assert matches.ignored.any()
    found = error_kinds(table, matches)
    assert found is not None
    base, gains, counts = tide(table)
    assert found.counts == counts
    assert found.ap == pytest.approx(base, abs=1e-9)
    assert {name: found.delta_ap[name] for name in gains} == pytest.approx(gains, abs=1e-9)
    assert found.ap == pytest.approx(detection_metrics(table, table.category_ids).overall["AP50"], abs=1e-9)
