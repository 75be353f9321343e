from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_helpers import coco_document, completion, write_coco, write_lines

from vrft_eval import commands
from vrft_eval.commands import DataPaths
from vrft_eval.datasets import Annotation, CocoImage
from vrft_eval.errors import InputError
from vrft_eval.metrics import DetectionMetrics, detection_metrics
from vrft_eval.metrics.engines import check_engine, find_engine
from vrft_eval.metrics.matches import find_matches
from vrft_eval.metrics.table import DetectionTable, make_table

IMAGES = [CocoImage(id=5, path=Path("x.png"), size=(200, 200))]
NAMES = {1: "cat", 2: "dog", 3: "bus"}
TRUTH = [
    Annotation(5, 1, (10.0, 10.0, 100.0, 100.0), 10_000.0, False),
    Annotation(5, 2, (0.0, 0.0, 20.0, 20.0), 400.0, False),
    Annotation(5, 3, (0.0, 0.0, 200.0, 200.0), 40_000.0, True),
]
BOTH = pytest.mark.parametrize("engine", ["hotcoco", "pycocotools"])


def _prediction(**change: Any) -> dict[str, Any]:
    return {"image_id": 5, "category_id": 1, "bbox": [10.0, 10.0, 100.0, 100.0], "score": 0.9, **change}


def _table(
    truth: Sequence[Annotation], predictions: Sequence[dict[str, Any]], images: Any = None, **lvis: Any
) -> DetectionTable:
    image_ids, category_ids, boxes, scores = (
        [row[name] for row in predictions] for name in ("image_id", "category_id", "bbox", "score")
    )
    return make_table(images or IMAGES, NAMES, truth, image_ids, category_ids, boxes, scores, **lvis)


def _measure(truth: Any, predictions: Any, selected: set[int], engine: Any = "hotcoco") -> DetectionMetrics:
    return detection_metrics(_table(truth, predictions), selected, engine)


@BOTH
def test_a_perfect_box_scores_one_and_sizes_without_truth_are_not_numbers(engine: str) -> None:
    found = _measure(TRUTH, [_prediction()], {1}, engine)
    assert found.overall["mAP"] == pytest.approx(1.0)
    assert found.overall["APl"] == pytest.approx(1.0)
    assert found.overall["APs"] is None
    assert found.overall["AR1"] == pytest.approx(1.0)
    assert found.overall["ARl"] == pytest.approx(1.0)


@BOTH
def test_the_headline_is_the_mean_of_the_selected_categories_with_truth(engine: str) -> None:
    found = _measure(TRUTH, [_prediction()], {1, 2, 3}, engine)
    assert found.overall["mAP"] == pytest.approx(0.5)
    assert found.without_truth == (3,)
    assert found.per_category[3]["mAP"] is None
    assert found.per_category[2]["mAP"] == 0.0


@BOTH
def test_no_detections_are_zeros_and_no_truth_is_nothing(engine: str) -> None:
    found = _measure(TRUTH, [], {1, 2}, engine)
    assert found.overall["mAP"] == 0.0
    assert found.overall["AR100"] == 0.0
    nothing = _measure([], [_prediction()], {1, 2}, engine)
    assert set(nothing.overall.values()) == {None}
    assert nothing.without_truth == (1, 2)


@BOTH
def test_a_detection_in_a_crowd_is_neither_right_nor_wrong(engine: str) -> None:
    truth = [*TRUTH, Annotation(5, 1, (120.0, 120.0, 80.0, 80.0), 6400.0, True)]
    inside = _prediction(bbox=[130.0, 130.0, 20.0, 20.0], score=0.99)
    assert _measure(truth, [inside, _prediction()], {1}, engine).overall["mAP"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"image_id": 6}, "image_id: unknown, got 6"),
        ({"category_id": 4}, "category_id: unknown, got 4"),
        ({"score": float("nan")}, "finite"),
        ({"bbox": [0.0, 0.0, float("inf"), 1.0]}, "finite"),
        ({"bbox": [0.0, 0.0, -3.0, 1.0]}, "negative"),
    ],
)
def test_what_hotcoco_would_take_silently_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=rf"predictions\[1\].*{field}"):
        _table(TRUTH, [_prediction(), _prediction(**change)])


def test_images_of_one_id_and_columns_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="images: an id is used twice"):
        _table(TRUTH, [], images=IMAGES * 2)
    with pytest.raises(ValueError, match=r"different lengths \[0, 1\]"):
        make_table(IMAGES, NAMES, TRUTH, [5], [1], [[0, 0, 1, 1]], [])


@BOTH
@pytest.mark.parametrize("ids", [(0, 0), (-4, -9), (2**40, 2**50)])
def test_ids_that_the_engines_misread_change_nothing(engine: Any, ids: tuple[int, int]) -> None:
    image_id, category_id = ids
    truth = [Annotation(image_id, category_id, *a) for a in [((10.0, 10.0, 100.0, 100.0), 10_000.0, False)] * 2]
    table = make_table(
        [CocoImage(id=image_id, path=Path("x.png"), size=(200, 200))],
        {category_id: "cat"},
        truth,
        [image_id],
        [category_id],
        [[10.0, 10.0, 100.0, 100.0]],
        [0.5],
    )
    found = detection_metrics(table, {category_id}, engine)
    assert found.overall["AR100"] == 0.5
    assert found.per_category[category_id]["mAP"] == pytest.approx(51 / 101)


def _lvis(predictions: list[dict[str, Any]]) -> DetectionTable:
    """Cats are annotated, not exhaustively; dogs are known to be absent; of buses nothing is known."""
    image = CocoImage(
        id=5, path=Path("x.png"), size=(200, 200), negatives=frozenset({2}), not_exhaustive=frozenset({1})
    )
    return _table(TRUTH[:1], predictions, [image], rule="lvis", frequencies={1: "r", 2: "c", 3: "f"})


def test_lvis_ignores_what_nobody_has_looked_for() -> None:
    elsewhere = [120.0, 120.0, 30.0, 30.0]
    rows = [_prediction(bbox=elsewhere, score=0.99, category_id=key) for key in (1, 2, 3)]
    table = _lvis([*rows, _prediction()])
    matches = find_matches(table)
    # The second cat is ignored (not exhaustive), the dog is wrong (a negative), the bus is dropped.
    assert [table.category_ids[k] for k in matches.category] == [1, 1, 2]
    assert matches.ignored[:, 0].tolist() == [True, False, False]
    assert matches.right[:, 0].tolist() == [False, True, False]
    found = detection_metrics(table, {1, 2, 3})
    assert found.overall["mAP"] == pytest.approx(1.0)
    assert found.overall["APr"] == pytest.approx(1.0)
    assert found.overall["APc"] is None
    assert found.without_truth == (2, 3)


def test_lvis_takes_the_300_surest_detections_of_an_image_over_all_categories() -> None:
    wrong = _prediction(bbox=[150.0, 150.0, 9.0, 9.0], score=0.95, category_id=2)
    assert detection_metrics(_lvis([wrong] * 299 + [_prediction()]), {1}).overall["mAP"] == pytest.approx(1.0)
    assert detection_metrics(_lvis([wrong] * 300 + [_prediction()]), {1}).overall["mAP"] == 0.0


def test_engines_are_known_and_pycocotools_does_not_judge_lvis() -> None:
    assert find_engine("pycocotools") == "pycocotools"
    with pytest.raises(InputError, match="must be one of hotcoco, pycocotools, got 'cocoeval'"):
        find_engine("cocoeval")
    check_engine("pycocotools", "coco")
    with pytest.raises(InputError, match="can't judge by LVIS's federated rules"):
        check_engine("pycocotools", "lvis")


def _write_lvis(folder: Path) -> DataPaths:
    document = coco_document()
    for image in document["images"]:
        image.update(neg_category_ids=[3], not_exhaustive_category_ids=[])
    for category, frequency in zip(document["categories"], "rcf", strict=True):
        category["frequency"] = frequency
    for annotation in document["annotations"]:
        del annotation["iscrowd"]
    write_coco(folder, document)
    return DataPaths(folder)


def _answers(folder: Path) -> Path:
    rows = [
        {"id": "7:1", "completion": completion([[20, 10, 120, 60], [150, 70, 190, 90]], (200, 100), [0.9, 0.4])},
        {"id": "9:2", "completion": completion([[5, 5, 24, 24]], (50, 50), [0.8])},
        {"id": "7:3", "completion": completion([], (200, 100), [])},
    ]
    return write_lines(folder / "answers.jsonl", rows)


def test_the_engine_is_in_the_run_and_in_its_report(tmp_path: Path) -> None:
    write_coco(tmp_path / "data")
    paths, answers = DataPaths(tmp_path / "data"), _answers(tmp_path)
    reports = []
    for engine in ("hotcoco", "pycocotools"):
        out = tmp_path / engine
        commands.score("detection", answers, out, paths=paths, engine=engine, resamples=30)
        assert json.loads((out / "run.json").read_text(encoding="utf-8"))["scoring"]["engine"] == engine
        reports.append(json.loads((out / "report.json").read_text(encoding="utf-8")))
        assert reports[-1]["engine"] == engine
        assert f"Computed with {engine}." in (out / "report.md").read_text(encoding="utf-8")
    for name in ("metrics", "per_category", "intervals", "diagnostics", "correlation"):
        assert reports[0][name] == reports[1][name], name
    again = commands.planned_again(tmp_path / "hotcoco", engine="pycocotools", resamples=0).settle()
    assert again.report.engine == "pycocotools"
    assert again.report.intervals == {}
    assert again.info.scoring.resamples == 0


def test_lvis_data_are_judged_by_lvis_rules_and_not_by_pycocotools(tmp_path: Path) -> None:
    paths, answers = _write_lvis(tmp_path / "data"), _answers(tmp_path)
    with pytest.raises(InputError, match="pycocotools can't judge"):
        commands.score("detection", answers, tmp_path / "run", paths=paths, engine="pycocotools")
    assert not (tmp_path / "run").exists()
    found = commands.score("detection", answers, tmp_path / "run", paths=paths).report
    assert found.metrics["AR300"] is not None
    assert found.metrics["APr"] == pytest.approx(found.per_category["cat"]["mAP"])
    assert found.metrics["APf"] is None
    assert "AR100" not in found.metrics


def test_a_report_says_how_sure_it_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    document: dict[str, Any] = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}
    rows = []
    for k in range(1, 31):
        document["images"].append({"id": k, "file_name": f"{k}.png", "width": 100, "height": 100})
        box = {"id": k, "image_id": k, "category_id": 1, "bbox": [10, 10, 60, 60], "area": 3600, "iscrowd": 0}
        document["annotations"].append(box)
        shift = float(rng.integers(0, 25))
        guess = [[10 + shift, 10, 70 + shift, 70]]
        rows.append({"id": f"{k}:1", "completion": completion(guess, (100, 100), [round(float(rng.random()), 2)])})
    write_coco(tmp_path / "data", document)
    answers = write_lines(tmp_path / "answers.jsonl", rows)
    report = commands.score("detection", answers, tmp_path / "run", paths=DataPaths(tmp_path / "data")).report
    for name in ("mAP", "AP50", "AP75"):
        interval, value = report.intervals[name], report.metrics[name]
        assert value is not None
        assert 0 <= interval.low < value < interval.high <= 1
        assert (interval.level, interval.resamples) == (0.95, 1000)
    assert report.correlation is not None
    assert report.correlation.metric == "AP"
    assert report.correlation.n == 30
    assert report.correlation.value is not None
    assert report.correlation.value > 0.5
    assert report.diagnostics is not None
    assert report.diagnostics.calibration is not None
    assert report.diagnostics.calibration.detections == 30
    assert report.diagnostics.errors is not None
    assert report.diagnostics.errors.counts["Loc"] > 0
    markdown = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    shown = f"[{report.intervals['mAP'].low:.3f}, {report.intervals['mAP'].high:.3f}]"
    for text in (markdown, page):
        for part in (shown, "Expected calibration error", "What mending one kind of error", "over 30 images"):
            assert part in text
    again = commands.score("detection", answers, tmp_path / "again", paths=DataPaths(tmp_path / "data")).report
    assert again.intervals == report.intervals
    assert again.correlation == report.correlation


def test_a_detection_needs_an_image_that_is_there() -> None:
    with pytest.raises(ValueError, match=r"predictions\[0\]\.image_id: unknown, got 5"):
        make_table([], NAMES, [], [5], [1], [[0, 0, 1, 1]], [0.5])
