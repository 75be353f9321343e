"""Every gate over recorded answers: measured against the truth, by LVIS's rules too; nonsense is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_helpers import completion, write_coco, write_lines
from gate_helpers import answer_to, summary_of
from typer.testing import CliRunner, Result

from vrft_eval.cli import app
from vrft_eval.commands import DataPaths, score


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    write_coco(tmp_path / "data", images=True)
    return tmp_path


def _lvis() -> dict[str, Any]:
    """Ten images and 5 categories by LVIS's rules: of each image some categories are verified to be absent."""
    rng = np.random.default_rng(5)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id in range(1, 11):
        drawn = rng.permutation(5)
        images.append({"id": image_id, "width": 100, "height": 100, "file_name": f"{image_id}.png"})
        images[-1] |= {"neg_category_ids": [int(k) + 1 for k in drawn[2:3]], "not_exhaustive_category_ids": []}
        for k in drawn[:2]:
            x, y = (int(v) for v in rng.integers(0, 50, 2))
            box = {"id": len(annotations) + 1, "image_id": image_id, "category_id": int(k) + 1}
            annotations.append({**box, "bbox": [x, y, 40, 40], "area": 1600})
    categories = [{"id": k, "name": f"thing_{k}", "frequency": "rcffc"[k - 1]} for k in range(1, 6)]
    return {"images": images, "categories": categories, "annotations": annotations}


def test_in_lvis_only_verified_pairs_count_so_gate_negatives_measures_what_gate_none_does(tmp_path: Path) -> None:
    document = _lvis()
    write_coco(tmp_path / "data", document)
    truth: dict[str, list[list[float]]] = {}
    for entry in document["annotations"]:
        x, y, w, h = entry["bbox"]
        truth.setdefault(f"{entry['image_id']}:{entry['category_id']}", []).append([x, y, x + w, y + h])
    rng = np.random.default_rng(6)
    rows = []
    for pair in (f"{i}:{c}" for i in range(1, 11) for c in range(1, 6)):
        boxes: list[list[float]] = [*truth.get(pair, []), [5, 5, 20, 20]]
        rows.append(
            {"id": pair, "completion": completion(boxes, (100, 100), [round(float(rng.random()), 2) for _ in boxes])}
        )
    responses = write_lines(tmp_path / "r.jsonl", rows)
    none, negatives = (
        score("detection", responses, tmp_path / gate, paths=DataPaths(tmp_path / "data"), gate=gate)
        for gate in ("none", "negatives")
    )
    assert "APr" in none.report.metrics
    assert 0 < (none.report.metrics["mAP"] or 0) < 1
    assert none.report.metrics == negatives.report.metrics
    # 20 pairs with truth and 10 verified to be absent; of the other 20 nobody knows.
    assert (summary_of(none).asked, summary_of(negatives).asked) == (50, 30)
    assert summary_of(none).precision == summary_of(negatives).precision == pytest.approx(20 / 30)


def _lines(folder: Path, pairs: list[str]) -> Path:
    return write_lines(folder / "r.jsonl", [{"id": pair, "completion": answer_to(pair)} for pair in pairs])


def test_recorded_answers_are_scored_over_a_map(coco: Path) -> None:
    file = coco / "map.json"
    file.write_text(json.dumps({"7": ["cat"], "9": ["bus"]}), encoding="utf-8")
    responses = _lines(coco, ["7:1", "9:2"])
    done = score("detection", responses, coco / "run", paths=DataPaths(coco / "data"), gate=str(file))
    assert done.report.counts["unanswered"] == 1
    assert any("1 recorded answers are to pairs that the gate leaves out" in note for note in done.report.notes)
    assert done.report.metrics["mAP"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("gate", "asked", "precision", "recall"),
    [("none", 6, 0.4, 1.0), ("truth", 2, 1.0, 1.0), ("negatives", 3, 2 / 3, 1.0), ("recorded", 2, 0.5, 0.5)],
)
def test_every_gate_is_measured_against_the_truth(
    coco: Path, gate: str, asked: int, precision: float, recall: float
) -> None:
    # The pair 7:2 has nothing but a crowd, so it is neither right nor wrong to ask for it.
    responses = _lines(coco, ["7:1", "9:3"])
    done = score("detection", responses, coco / gate, paths=DataPaths(coco / "data"), gate=gate)
    summary = summary_of(done)
    assert (summary.asked, summary.recall) == (asked, recall)
    assert summary.precision == pytest.approx(precision)
    assert done.report.notes[0].startswith(f"Gate {gate}: ")
    assert ("can't be compared" in done.report.notes[0]) == (gate == "truth")


def _call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--gate", "recorded"], "--gate: is for recorded answers only"),
        (["--gate", "exist.json"], "--gate: must be one of none, truth, negatives, recorded, model, or the file"),
        (["--gate", "truth", "--gate-prompt", "gate"], "--gate-prompt: is for --gate model only"),
        (["--gate", "model", "--gate-prompt", "grounding"], "--gate-prompt: must hold {category}"),
    ],
)
def test_a_gate_that_makes_no_sense_is_one_line_and_writes_nothing(coco: Path, more: list[str], expected: str) -> None:
    result = _call("run", "detection", "--model", "demo", "--data", coco / "data", "--out", coco / "run", *more)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (coco / "run").exists()


def test_score_has_no_model_to_ask(coco: Path) -> None:
    responses = _lines(coco, ["7:1"])
    command = ("score", "detection", "--data", coco / "data", "--responses", responses, "--out", coco / "run")
    refused = _call(*command, "--gate", "model")
    assert refused.exit_code == 2
    assert "--gate: asks a model, and here is none" in refused.stderr


def test_only_detection_has_a_gate(coco: Path) -> None:
    (coco / "index.csv").write_text("image,label\ndata/images/a.png,rose\n", encoding="utf-8")
    command = ("run", "classification", "--model", "demo", "--data", coco, "--out", coco / "run", "--gate", "model")
    refused = _call(*command)
    assert refused.exit_code == 2
    assert "gate: only detection tasks have a gate, classification has none, got 'model'" in refused.stderr
