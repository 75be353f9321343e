"""The experiment of `python -m trainers.demo`, whole, at a size of seconds."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from trainers.demo.measure import place
from trainers.demo.proof import BASE, EXAMS, SEEN, UNSEEN, WAYS, Arm, Proof, Trained, fine_tune, run_proof
from trainers.demo.proof_report import write_report
from trainers.demo.tuning import training_set
from vrft_eval.demo.scenes import CATEGORIES
from vrft_eval.errors import InputError

SMALL = Proof(images=6, steps=2, prompts=2, generations=2, rates=(1e-4, 0.05), validation=3)
IMAGES = 4


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proof")


def run(out: Path) -> Trained:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return run_proof(out, [3], SMALL, IMAGES, pool)


@pytest.fixture(scope="module")
def trained(out: Path) -> Trained:
    return run(out)


def test_no_row_of_the_fine_tuning_is_about_an_unseen_pair() -> None:
    rows = training_set(0, 200, UNSEEN)
    texts = [text for row in rows for text in (row["prompt"][0]["content"], row["completion"][0]["content"])]
    assert not [name for name in UNSEEN if any(name in text for text in texts)]
    assert all(any(name in text for text in texts) for name in SEEN)
    assert {*SEEN, *UNSEEN} == set(CATEGORIES)


def test_every_arm_starts_from_the_base_and_moves(out: Path, trained: Trained) -> None:
    files = [arm.folder(out) / "model.safetensors" for arm in [*trained.validation, *trained.of("rft").values()]]
    weights = {(BASE / "model.safetensors").read_bytes(), *(file.read_bytes() for file in files)}
    assert len(weights) == 4


def test_scores_are_those_of_the_run_folders(out: Path, trained: Trained) -> None:
    for folder, scores in ((out / "base", trained.base), *((arm.folder(out), s) for arm, s in trained.arms.items())):
        for how in WAYS:
            for name, exam in EXAMS.items():
                report = json.loads((place(folder / "test", how, name) / "report.json").read_text(encoding="utf-8"))
                for metric in exam.metrics:
                    assert scores[f"{how}: {name} {metric}"] == (report["metrics"][metric] or 0.0)


def test_detection_asks_for_its_own_categories_alone(out: Path, trained: Trained) -> None:
    for name, asked in (("detection", SEEN), ("unseen pairs", UNSEEN)):
        report = json.loads((place(out / "base" / "test", "greedy", name) / "report.json").read_text(encoding="utf-8"))
        assert set(report["per_category"]) == set(asked)


def test_a_rate_that_ruins_the_model_is_not_taken(trained: Trained) -> None:
    assert trained.of("sft") == {3: Arm("sft", 3, 1e-4)}


def test_the_report_tells_every_measure_and_a_second_run_trains_nothing(out: Path, trained: Trained) -> None:
    stamps = {file: file.stat().st_mtime_ns for file in out.rglob("*.safetensors")}
    assert run(out) == trained
    assert {file: file.stat().st_mtime_ns for file in out.rglob("*.safetensors")} == stamps
    arm = trained.of("rft")[3]
    for changed, proof in ((arm, replace(SMALL, steps=3)), (replace(arm, rate=0.5), SMALL)):
        with pytest.raises(InputError, match="name another --out"):
            fine_tune(changed, out, proof)
    text = write_report(out, SMALL, trained, IMAGES)
    assert all(text.count(f"| {name} |") == 2 for name in trained.base)
    assert f"| {trained.base['greedy: detection mAP']:.3f} |" in text
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["base"] == trained.base
    assert "<svg" in (out / "curves.svg").read_text(encoding="utf-8")
