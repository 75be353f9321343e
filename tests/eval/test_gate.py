"""Two stages: what a gate hides counts as missed, what it says is in every report, and it is asked only once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_helpers import coco_document, completion, write_coco, write_lines
from typer.testing import CliRunner, Result

from vrft_eval.backends import Answer, Prompt
from vrft_eval.cli import app
from vrft_eval.commands import DataPaths, Generation, carry_out, make_reading, plan_run, report, score
from vrft_eval.errors import InputError
from vrft_eval.evaluation import Evaluated
from vrft_eval.gate.models import ExistMap, GateSummary
from vrft_eval.schemas import read_file
from vrft_eval.tasks import TASKS

SIZES = {7: (200, 100), 9: (50, 50)}
TRUE_BOXES: dict[str, list[list[float]]] = {"7:1": [[20, 10, 120, 60]], "9:2": [[5, 5, 25, 25]]}


def _answer(pair: str) -> str:
    boxes = TRUE_BOXES.get(pair, [])
    return completion(boxes, SIZES[int(pair.split(":")[0])], [0.9] * len(boxes))


class Replay:
    """Recorded answers to the gate's questions, and the true boxes to the others; every prompt is noted."""

    name = "transformers"

    def __init__(self, gate: dict[str, str | None], default: str = "no") -> None:
        self.gate, self.default = gate, default
        self.asked: list[Prompt] = []

    def answer(self, prompts: Sequence[Prompt]) -> Iterator[Answer]:
        for prompt in prompts:
            self.asked.append(prompt)
            if "Detect all objects" in prompt.text:
                yield Answer(prompt.id, _answer(prompt.id))
            else:
                text = self.gate.get(prompt.id, self.default)
                yield Answer(prompt.id, text, None if text is not None else "out of memory")


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    write_coco(tmp_path / "data", images=True)
    return tmp_path


def _run(folder: Path, backend: Replay, *, out: str = "run", new: bool = False, **options: Any) -> Evaluated:
    spec = TASKS["detection"]
    evaluation = plan_run(
        spec,
        "demo",
        folder / out,
        paths=DataPaths(folder / "data"),
        generation=Generation(),
        reading=make_reading(spec, "norm1000", "default", None),
        new=new,
        **{"gate": "model", **options},
    )
    return carry_out(evaluation, lambda: backend)


def _summary(done: Evaluated) -> GateSummary:
    assert done.report.gate_summary is not None
    return done.report.gate_summary


def test_the_model_is_asked_about_every_pair_then_for_boxes_of_those_it_sees(coco: Path) -> None:
    backend = Replay({"7:1": "Yes.", "9:2": "<think>A dog.</think><answer>yes</answer>", "9:3": "yes"})
    done = _run(coco, backend)
    gate, boxes = backend.asked[:6], backend.asked[6:]
    assert [prompt.id for prompt in gate] == ["7:1", "7:2", "7:3", "9:1", "9:2", "9:3"]
    assert gate[1].text == "Is there any object of the category 'dog' in the image? Answer yes or no."
    assert [prompt.id for prompt in boxes] == ["7:1", "9:2", "9:3"]
    assert done.report.gate == "model"
    assert done.report.metrics["mAP"] == pytest.approx(1.0)
    summary = _summary(done)
    assert (summary.pairs, summary.asked, summary.hidden_boxes) == (6, 3, 0)
    assert summary.precision == pytest.approx(2 / 3)
    assert summary.recall == 1.0
    assert summary.answers is not None
    assert (summary.answers.questions, summary.answers.unclear, summary.answers.failed) == (6, 0, 0)


def test_what_the_gate_hides_counts_as_missed(coco: Path) -> None:
    done = _run(coco, Replay({"9:2": "yes", "9:3": "yes"}))
    assert done.report.per_category["cat"]["mAP"] == 0.0
    assert done.report.per_category["dog"]["mAP"] == pytest.approx(1.0)
    assert done.report.metrics["mAP"] == pytest.approx(0.5)
    summary = _summary(done)
    assert (summary.hidden_pairs, summary.hidden_boxes, summary.recall) == (1, 1, 0.5)
    assert summary.never_named == ["cat"]
    assert any("their 1 boxes count as missed" in note for note in done.report.notes)


def test_half_of_a_categorys_objects_hidden_is_an_ap_of_51_of_101(coco: Path) -> None:
    # All precision is 1 up to a recall of .5: of COCO's 101 recall points 0 to .50 count.
    document = coco_document()
    document["annotations"] += [
        {"id": 4, "image_id": 9, "category_id": 1, "bbox": [5, 5, 20, 20], "area": 400, "iscrowd": 0}
    ]
    write_coco(coco / "data", document)
    done = _run(coco, Replay({"7:1": "yes", "9:2": "yes"}))
    assert done.report.per_category["cat"]["mAP"] == pytest.approx(51 / 101)
    # The other category was found whole: this is what a perfect detector reaches, as this one is.
    assert _summary(done).ceiling == pytest.approx((51 / 101 + 1) / 2)
    assert done.report.metrics["mAP"] == pytest.approx(_summary(done).ceiling)


def test_a_gate_that_says_no_to_everything_ends_in_a_report_of_zeros(coco: Path) -> None:
    backend = Replay({})
    done = _run(coco, backend)
    assert len(backend.asked) == 6
    assert done.report.metrics["mAP"] == 0.0
    assert done.report.counts["samples"] == 0
    assert _summary(done).recall == 0.0
    assert _summary(done).precision is None
    assert (coco / "run" / "report.html").is_file()


def test_unclear_and_failed_answers_hide_nothing_and_are_counted(coco: Path) -> None:
    done = _run(coco, Replay({"7:1": "I am not sure.", "9:2": None}))
    summary = _summary(done)
    assert summary.answers is not None
    assert (summary.answers.unclear, summary.answers.failed) == (1, 1)
    assert (summary.asked, summary.recall) == (2, 1.0)
    assert done.report.metrics["mAP"] == pytest.approx(1.0)
    assert any("6 gate questions, 1 answers unclear, 1 failed" in note for note in done.report.notes)


def test_the_same_command_asks_nothing_twice_and_failed_questions_again(coco: Path) -> None:
    _run(coco, Replay({"7:1": "yes", "9:2": None}))
    again = Replay({"9:2": "no"})
    done = _run(coco, again)
    assert [prompt.id for prompt in again.asked] == ["9:2"]
    # It turned out to be a no: the boxes that it was asked for no longer count.
    assert _summary(done).asked == 1
    idle = Replay({})
    assert _run(coco, idle).report == done.report
    assert idle.asked == []


def test_a_gate_whose_every_question_fails_ends_the_run_with_the_first_reason(coco: Path) -> None:
    with pytest.raises(InputError, match="none of 6 prompts could be answered; the first: out of memory"):
        _run(coco, Replay(dict.fromkeys(["7:1", "7:2", "7:3", "9:1", "9:2", "9:3"])))


def test_one_question_an_image_lists_the_categories(coco: Path) -> None:
    backend = Replay({"7": "Cats, a zebra", "9": "none"})
    done = _run(coco, backend, gate_prompt="gate-list")
    assert [prompt.id for prompt in backend.asked] == ["7", "9", "7:1"]
    assert "in the image: cat, dog, bus?" in backend.asked[0].text
    summary = _summary(done)
    assert summary.answers is not None
    assert (summary.answers.questions, summary.answers.unknown_names, summary.asked) == (2, 1, 1)


def test_an_unclear_list_hides_nothing(coco: Path) -> None:
    backend = Replay({"7": "What a nice picture!", "9": "none"})
    assert _summary(_run(coco, backend, gate_prompt="gate-list")).asked == 3


def test_millions_of_questions_are_refused_before_anything_is_asked(
    coco: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vrft_eval.gate.stage.MOST", 5)
    for gate, cheaper in (("model", r"once an image \(--gate-prompt gate-list\)"), ("none", "--gate negatives")):
        with pytest.raises(InputError, match=f"would ask 6 questions, 3 of each of 2 images; ask {cheaper}"):
            _run(coco, Replay({}), gate=gate)
    assert not (coco / "run").exists()
    _run(coco, Replay({}, "none"), gate_prompt="gate-list")


def test_a_question_of_ones_own_is_a_setting_of_the_run(coco: Path) -> None:
    prompt = coco / "mine.txt"
    prompt.write_text("See any {category}?\n", encoding="utf-8")
    backend = Replay({"7:1": "yes"})
    done = _run(coco, backend, gate_prompt=str(prompt))
    assert backend.asked[0].text == "See any cat?"
    assert done.info.settings.gate_prompt == "See any {category}?"
    with pytest.raises(InputError, match=r"gate_prompt: 'See any \{category\}"):
        _run(coco, Replay({}), gate_prompt="gate")


def test_the_map_is_saved_and_is_the_gate_of_another_run(coco: Path) -> None:
    first = _run(coco, Replay({"7:1": "yes", "9:3": "maybe"}))
    saved = read_file(ExistMap, coco / "run" / "gate.json")
    assert saved.images == {"7": ["cat"], "9": ["bus"]}
    assert (saved.model, saved.categories) == ("demo", ["cat", "dog", "bus"])
    backend = Replay({})
    second = _run(coco, backend, out="second", gate=str(coco / "run" / "gate.json"))
    assert [prompt.id for prompt in backend.asked] == ["7:1", "9:3"]
    assert second.report.gate == "file"
    assert second.report.metrics == first.report.metrics
    assert second.report.gate_summary == first.report.gate_summary


def test_a_run_over_a_map_keeps_a_copy_and_refuses_another(coco: Path) -> None:
    file = coco / "map.json"
    file.write_text(json.dumps({"7": ["cat"], "9": ["dog"], "99": ["bus"]}), encoding="utf-8")
    done = _run(coco, Replay({}), gate=str(file))
    assert done.report.metrics["mAP"] == pytest.approx(1.0)
    file.write_text(json.dumps({"7": [], "9": ["dog"]}), encoding="utf-8")
    with pytest.raises(InputError, match="gate_map: "):
        _run(coco, Replay({}), gate=str(file))
    file.unlink()
    assert report(coco / "run").report == done.report


def test_report_makes_the_report_of_a_model_gate_again_and_needs_it_finished(coco: Path) -> None:
    done = _run(coco, Replay({"7:1": "yes", "9:2": "perhaps"}))
    assert report(coco / "run").report == done.report
    journal = coco / "run" / "gate.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:4]))
    with pytest.raises(InputError, match=r"2 of the gate's 6 questions were not asked yet"):
        report(coco / "run")


def test_other_data_are_refused_whatever_the_model_said(coco: Path) -> None:
    _run(coco, Replay({}))
    document = coco_document()
    document["annotations"][0]["bbox"] = [0, 0, 10, 10]
    write_coco(coco / "data", document)
    with pytest.raises(InputError, match="data: "):
        _run(coco, Replay({}))


def test_new_asks_the_gate_again(coco: Path) -> None:
    _run(coco, Replay({"7:1": "yes"}))
    backend = Replay({"9:2": "yes"})
    done = _run(coco, backend, new=True)
    assert len(backend.asked) == 7
    assert _summary(done).never_named == ["cat"]


def test_stages_are_named(coco: Path) -> None:
    from contextlib import nullcontext

    seen: list[tuple[str, int, int]] = []

    def stages(name: str) -> Any:
        return nullcontext(lambda answered, failed, total: seen.append((name, answered + failed, total)))

    spec = TASKS["detection"]
    evaluation = plan_run(
        *(spec, "demo", coco / "run"),
        paths=DataPaths(coco / "data"),
        generation=Generation(),
        reading=make_reading(spec, "norm1000", "default", None),
        gate="model",
    )
    carry_out(evaluation, lambda: Replay({"7:1": "yes"}), stages)
    assert seen == [*(("gate", k, 6) for k in range(1, 7)), ("boxes", 1, 1)]


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
    assert (_summary(none).asked, _summary(negatives).asked) == (50, 30)
    assert _summary(none).precision == _summary(negatives).precision == pytest.approx(20 / 30)


def _lines(folder: Path, pairs: list[str]) -> Path:
    return write_lines(folder / "r.jsonl", [{"id": pair, "completion": _answer(pair)} for pair in pairs])


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
    summary = _summary(done)
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
