"""Intervals from match records against an engine that is run anew on every draw of the images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detection_worlds import generated
from numpy.typing import NDArray

from vrft_eval.metrics.average_precision import DetectionRecords
from vrft_eval.metrics.bootstrap import bootstrap, compare_records, draw, interval_around, resample
from vrft_eval.metrics.detection import detection_metrics
from vrft_eval.metrics.matches import find_matches
from vrft_eval.metrics.table import BoxTruth, Detected, DetectionTable

DRAWS = 60


def broken_ties(table: DetectionTable) -> DetectionTable:
    """The table with confidences that are all different and in the engine's order: by score, image, place."""
    found = table.found
    order = np.lexsort((np.arange(len(found)), found.image, -found.scores))
    scores = np.empty(len(found))
    scores[order] = np.linspace(1, 0, len(found))
    return replace(table, found=replace(found, scores=scores))


def drawn(table: DetectionTable, weights: NDArray[np.int32]) -> DetectionTable:
    """A data set in which image k is there weights[k] times, each copy an image of its own."""
    first = np.cumsum(weights) - weights
    size = int(weights.sum())

    def copies(images: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows = np.repeat(np.arange(len(images)), weights[images])
        turn = np.concatenate([np.arange(n) for n in weights[images]] or [np.zeros(0)]).astype(np.int64)
        return rows, first[images[rows]] + turn

    def pairs(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        category, image = np.divmod(numbers, len(table.image_ids))
        rows, places = copies(image)
        return np.sort(category[rows] * size + places)

    t, f = table.truth, table.found
    (truth_rows, truth_image), (found_rows, found_image) = copies(t.image), copies(f.image)
    return replace(
        table,
        image_ids=tuple(range(size)),
        sizes=tuple(np.repeat(np.array(table.sizes), weights, axis=0).tolist()),
        truth=BoxTruth(
            truth_image, t.category[truth_rows], t.boxes[truth_rows], t.area[truth_rows], t.crowd[truth_rows]
        ),
        found=Detected(found_image, f.category[found_rows], f.boxes[found_rows], f.scores[found_rows]),
        negatives=pairs(table.negatives),
        not_exhaustive=pairs(table.not_exhaustive),
    )


@pytest.mark.parametrize("lvis", [False, True])
def test_intervals_equal_those_of_the_engine_run_on_every_draw(lvis: bool) -> None:
    table = generated(2, images=15, lvis=lvis).table()
    selected = table.category_ids[1:]
    names = ("mAP", "AP50", "AP75", *(("APr", "APc", "APf") if lvis else ()))
    records = DetectionRecords(table, find_matches(table, selected))
    found = resample(records, DRAWS, seed=4)
    assert found.keys() == set(names)

    untied = broken_ties(table)
    points = detection_metrics(table, selected).overall
    assert detection_metrics(untied, selected).overall == pytest.approx(points, abs=1e-9, nan_ok=True)
    weights = np.concatenate(list(draw(len(table.image_ids), DRAWS, seed=4)))
    naive = [detection_metrics(drawn(untied, row), selected).overall for row in weights]
    intervals = bootstrap(records, DRAWS, seed=4)
    for name in names:
        values = np.array([np.nan if row[name] is None else row[name] for row in naive], dtype=np.float64)
        assert found[name] == pytest.approx(values, abs=1e-9, nan_ok=True), name
        point = points[name]
        assert point is not None
        expected = interval_around(point, values)
        assert expected is not None
        assert intervals[name].model_dump() == pytest.approx(expected.model_dump(), abs=1e-9)
        assert expected.low < point < expected.high


def test_ties_within_an_image_matter_little() -> None:
    """Drawn images tie with their own copies; the records break such ties once, an engine each time anew."""
    table = generated(2, images=15).table()
    found = resample(DetectionRecords(table, find_matches(table)), DRAWS, seed=4)["mAP"]
    weights = np.concatenate(list(draw(len(table.image_ids), DRAWS, seed=4)))
    naive = np.array([detection_metrics(drawn(table, row), table.category_ids).overall["mAP"] for row in weights])
    assert np.abs(found - naive).max() < 0.02
    assert abs(found.mean() - naive.mean()) < 0.005


def test_a_better_run_is_seen_to_be_better_on_the_same_draws() -> None:
    table = generated(2, images=40).table()
    found = table.found
    # The same boxes, but every second confidence is halved: another order, and a little worse or better by chance.
    halved = replace(found, scores=np.where(np.arange(len(found)) % 2, found.scores / 2, found.scores))
    # Only the boxes that are right at IoU .50 are left: surely better.
    matches = find_matches(table)
    rows = np.sort(matches.row[matches.right[:, 0]])
    cleaned = Detected(found.image[rows], found.category[rows], found.boxes[rows], found.scores[rows])
    runs = [replace(table, found=item) for item in (found, halved, cleaned)]
    one, other, better = (DetectionRecords(run, find_matches(run)) for run in runs)
    gains = compare_records(one, better, 300, seed=0)
    points = [detection_metrics(run, table.category_ids).overall for run in (runs[0], runs[2])]
    for name in ("mAP", "AP50", "AP75"):
        before, after = points[0][name], points[1][name]
        assert before is not None
        assert after is not None
        assert gains[name].value == pytest.approx(after - before, abs=1e-9)
        interval = gains[name].interval
        assert interval is not None
        assert 0 < interval.low < gains[name].value < interval.high
        assert gains[name].p == pytest.approx(2 / 301)
    same = compare_records(one, one, 300, seed=0)["mAP"]
    assert (same.value, same.p) == (0.0, 1.0)
    unclear = compare_records(one, other, 300, seed=0)["mAP"]
    assert unclear.interval is not None
    assert unclear.p is not None
    assert (unclear.p >= 0.05) == (unclear.interval.low <= 0 <= unclear.interval.high)
