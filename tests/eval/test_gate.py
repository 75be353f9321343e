"""Two stages: what a gate hides counts as missed, what it says is in every report, and it is asked only once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import coco_document, write_coco
from gate_helpers import Replay, run_gated, summary_of

from vrft_eval.commands import DataPaths, Generation, carry_out, make_reading, plan_run, planned_again
from vrft_eval.errors import InputError, RunStopped
from vrft_eval.gate.models import ExistMap
from vrft_eval.schemas import read_file
from vrft_eval.tasks import TASKS


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    write_coco(tmp_path / "data", images=True)
    return tmp_path


def test_the_model_is_asked_about_every_pair_then_for_boxes_of_those_it_sees(coco: Path) -> None:
    backend = Replay({"7:1": "Yes.", "9:2": "<think>A dog.</think><answer>yes</answer>", "9:3": "yes"})
    done = run_gated(coco, backend)
    gate, boxes = backend.asked[:6], backend.asked[6:]
    assert [prompt.id for prompt in gate] == ["7:1", "7:2", "7:3", "9:1", "9:2", "9:3"]
    assert gate[1].text == "Is there any object of the category 'dog' in the image? Answer yes or no."
    assert [prompt.id for prompt in boxes] == ["7:1", "9:2", "9:3"]
    assert done.report.gate == "model"
    assert done.report.metrics["mAP"] == pytest.approx(1.0)
    summary = summary_of(done)
    assert (summary.pairs, summary.asked, summary.hidden_boxes) == (6, 3, 0)
    assert summary.precision == pytest.approx(2 / 3)
    assert summary.recall == 1.0
    assert summary.answers is not None
    assert (summary.answers.questions, summary.answers.unclear, summary.answers.failed) == (6, 0, 0)


def test_what_the_gate_hides_counts_as_missed(coco: Path) -> None:
    done = run_gated(coco, Replay({"9:2": "yes", "9:3": "yes"}))
    assert done.report.per_category["cat"]["mAP"] == 0.0
    assert done.report.per_category["dog"]["mAP"] == pytest.approx(1.0)
    assert done.report.metrics["mAP"] == pytest.approx(0.5)
    summary = summary_of(done)
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
    done = run_gated(coco, Replay({"7:1": "yes", "9:2": "yes"}))
    assert done.report.per_category["cat"]["mAP"] == pytest.approx(51 / 101)
    # The other category was found whole: this is what a perfect detector reaches, as this one is.
    assert summary_of(done).ceiling == pytest.approx((51 / 101 + 1) / 2)
    assert done.report.metrics["mAP"] == pytest.approx(summary_of(done).ceiling)


def test_a_gate_that_says_no_to_everything_ends_in_a_report_of_zeros(coco: Path) -> None:
    backend = Replay({})
    done = run_gated(coco, backend)
    assert len(backend.asked) == 6
    assert done.report.metrics["mAP"] == 0.0
    assert done.report.counts["samples"] == 0
    assert summary_of(done).recall == 0.0
    assert summary_of(done).precision is None
    assert (coco / "run" / "report.html").is_file()


def test_unclear_and_failed_answers_hide_nothing_and_are_counted(coco: Path) -> None:
    done = run_gated(coco, Replay({"7:1": "I am not sure.", "9:2": None}))
    summary = summary_of(done)
    assert summary.answers is not None
    assert (summary.answers.unclear, summary.answers.failed) == (1, 1)
    assert (summary.asked, summary.recall) == (2, 1.0)
    assert done.report.metrics["mAP"] == pytest.approx(1.0)
    assert any("6 gate questions, 1 answers unclear, 1 failed" in note for note in done.report.notes)


def test_the_same_command_asks_nothing_twice_and_failed_questions_only_when_told(coco: Path) -> None:
    failed = run_gated(coco, Replay({"7:1": "yes", "9:2": None}))
    idle = Replay({})
    assert run_gated(coco, idle).report == failed.report
    assert idle.asked == []
    again = Replay({"9:2": "no"})
    done = run_gated(coco, again, retry_failed=True)
    assert [prompt.id for prompt in again.asked] == ["9:2"]
    # It turned out to be a no: the boxes that it was asked for no longer count.
    assert summary_of(done).asked == 1
    idle = Replay({})
    assert run_gated(coco, idle).report == done.report
    assert idle.asked == []


def test_a_gate_whose_every_question_fails_ends_the_run_with_the_first_reason(coco: Path) -> None:
    failing = Replay(dict.fromkeys(["7:1", "7:2", "7:3", "9:1", "9:2", "9:3"]))
    for _ in range(2):
        with pytest.raises(RunStopped, match="none of 6 prompts could be answered; the first: out of memory; 0 answ"):
            run_gated(coco, failing)
    assert len(failing.asked) == 6


def test_one_question_an_image_lists_the_categories(coco: Path) -> None:
    backend = Replay({"7": "Cats, a zebra", "9": "none"})
    done = run_gated(coco, backend, gate_prompt="gate-list")
    assert [prompt.id for prompt in backend.asked] == ["7", "9", "7:1"]
    assert "in the image: cat, dog, bus?" in backend.asked[0].text
    summary = summary_of(done)
    assert summary.answers is not None
    assert (summary.answers.questions, summary.answers.unknown_names, summary.asked) == (2, 1, 1)


def test_an_unclear_list_hides_nothing(coco: Path) -> None:
    backend = Replay({"7": "What a nice picture!", "9": "none"})
    assert summary_of(run_gated(coco, backend, gate_prompt="gate-list")).asked == 3


def test_millions_of_questions_are_refused_before_anything_is_asked(
    coco: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vrft_eval.gate.stage.MOST", 5)
    for gate, cheaper in (("model", r"once an image \(--gate-prompt gate-list\)"), ("none", "--gate negatives")):
        with pytest.raises(InputError, match=f"would ask 6 questions, 3 of each of 2 images; ask {cheaper}"):
            run_gated(coco, Replay({}), gate=gate)
    assert not (coco / "run").exists()
    run_gated(coco, Replay({}, "none"), gate_prompt="gate-list")


def test_a_question_of_ones_own_is_a_setting_of_the_run(coco: Path) -> None:
    prompt = coco / "mine.txt"
    prompt.write_text("See any {category}?\n", encoding="utf-8")
    backend = Replay({"7:1": "yes"})
    done = run_gated(coco, backend, gate_prompt=str(prompt))
    assert backend.asked[0].text == "See any cat?"
    assert done.info.settings.gate_prompt == "See any {category}?"
    with pytest.raises(InputError, match=r"gate_prompt: 'See any \{category\}"):
        run_gated(coco, Replay({}), gate_prompt="gate")


def test_the_map_is_saved_and_is_the_gate_of_another_run(coco: Path) -> None:
    first = run_gated(coco, Replay({"7:1": "yes", "9:3": "maybe"}))
    saved = read_file(ExistMap, coco / "run" / "gate.json")
    assert saved.images == {"7": ["cat"], "9": ["bus"]}
    assert (saved.model, saved.categories) == ("demo", ["cat", "dog", "bus"])
    backend = Replay({})
    second = run_gated(coco, backend, out="second", gate=str(coco / "run" / "gate.json"))
    assert [prompt.id for prompt in backend.asked] == ["7:1", "9:3"]
    assert second.report.gate == "file"
    assert second.report.metrics == first.report.metrics
    assert second.report.gate_summary == first.report.gate_summary


def test_a_run_over_a_map_keeps_a_copy_and_refuses_another(coco: Path) -> None:
    file = coco / "map.json"
    file.write_text(json.dumps({"7": ["cat"], "9": ["dog"], "99": ["bus"]}), encoding="utf-8")
    done = run_gated(coco, Replay({}), gate=str(file))
    assert done.report.metrics["mAP"] == pytest.approx(1.0)
    file.write_text(json.dumps({"7": [], "9": ["dog"]}), encoding="utf-8")
    with pytest.raises(InputError, match="gate_map: "):
        run_gated(coco, Replay({}), gate=str(file))
    file.unlink()
    assert planned_again(coco / "run").settle().report == done.report


def test_report_makes_the_report_of_a_model_gate_again_and_needs_it_finished(coco: Path) -> None:
    done = run_gated(coco, Replay({"7:1": "yes", "9:2": "perhaps"}))
    assert planned_again(coco / "run").settle().report == done.report
    journal = coco / "run" / "gate.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:4]))
    with pytest.raises(InputError, match=r"2 of the gate's 6 questions were not asked yet"):
        planned_again(coco / "run").settle()


def test_other_data_are_refused_whatever_the_model_said(coco: Path) -> None:
    run_gated(coco, Replay({}))
    document = coco_document()
    document["annotations"][0]["bbox"] = [0, 0, 10, 10]
    write_coco(coco / "data", document)
    with pytest.raises(InputError, match="data: "):
        run_gated(coco, Replay({}))


def test_new_asks_the_gate_again(coco: Path) -> None:
    run_gated(coco, Replay({"7:1": "yes"}))
    backend = Replay({"9:2": "yes"})
    done = run_gated(coco, backend, new=True)
    assert len(backend.asked) == 7
    assert summary_of(done).never_named == ["cat"]


def test_stages_are_named(coco: Path) -> None:
    from contextlib import nullcontext

    seen: list[tuple[str, int, int]] = []

    def stages(name: str) -> Any:
        return nullcontext(lambda tally: seen.append((name, tally.done, tally.total)))

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
