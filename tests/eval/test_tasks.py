from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from eval_helpers import coco_document, completion, write_coco, write_lines
from PIL import Image

from vrft_eval.backends import Answer
from vrft_eval.baselines.paper import paper_tables
from vrft_eval.errors import InputError
from vrft_eval.tasks import TASKS, LoadOptions, Reading, Verdicts, get_task, load_task
from vrft_eval.tasks.base import template_of
from vrft_rewards import PROFILES

DETECTION = TASKS["detection"]
TEMPLATE = "Find {category}"
MASK_METRICS = {"gIoU", "cIoU", "gIoU_visual_rft", "cIoU_visual_rft"}


def _detection(folder: Path, document: dict[str, Any] | None = None, **options: Any) -> Any:
    write_coco(folder, document)
    return load_task(DETECTION, LoadOptions(folder, **options))


def test_an_unknown_task_gets_the_nearest_names() -> None:
    with pytest.raises(InputError, match="no task named 'coco-fewshot'; did you mean coco-fewshot8"):
        get_task("coco-fewshot")


def test_every_prompt_can_be_filled() -> None:
    for spec in TASKS.values():
        template = template_of(spec)
        assert ("{category}" in template) == (spec.kind == "detection")
        assert ("{question}" in template) == (spec.kind == "grounding")


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ("none", ["7:1", "7:2", "7:3", "9:1", "9:2", "9:3"]),
        ("truth", ["7:1", "9:2"]),
        ("negatives", ["7:1", "7:3", "9:2"]),
        ("recorded", ["7:2"]),
    ],
)
def test_the_gate_says_which_pairs_are_asked(tmp_path: Path, gate: Any, expected: list[str]) -> None:
    samples = _detection(tmp_path).samples(TEMPLATE, gate, ["7:2"])
    assert [sample.id for sample in samples] == expected


def test_crowds_are_no_truth_and_boxes_are_corners_in_pixels(tmp_path: Path) -> None:
    by_id = {sample.id: sample for sample in _detection(tmp_path).samples(TEMPLATE, "none")}
    assert by_id["7:1"].boxes.tolist() == [[20, 10, 120, 60]]
    assert by_id["7:2"].boxes.shape == (0, 4)
    assert by_id["7:1"].prompt == "Find cat"


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("7:1", None),
        ("9:3", None),
        ("8:1", "unknown image"),
        ("7:4", "unknown category"),
        ("7", "must be"),
        ("07:1", "plain digits"),
        ("a:b", "must be"),
        ("7:1:1", "must be"),
    ],
)
def test_ids_of_answers_are_checked(tmp_path: Path, key: str, wrong: str | None) -> None:
    found = _detection(tmp_path).known(key)
    assert found is None if wrong is None else wrong in found


def test_a_category_that_a_task_needs_and_the_data_lack_is_named(tmp_path: Path) -> None:
    write_coco(tmp_path)
    with pytest.raises(InputError, match="coco-fewshot8 needs the category 'train'"):
        load_task(TASKS["coco-fewshot8"], LoadOptions(tmp_path))


def test_a_limit_draws_images_by_the_seed(tmp_path: Path) -> None:
    document = coco_document()
    document["images"] = [{"id": k, "file_name": f"{k}.png", "width": 9, "height": 9} for k in range(1, 50)]
    document["annotations"] = []
    drawn = [
        {sample.image_id for sample in _detection(tmp_path, document, limit=5, seed=seed).samples(TEMPLATE, "none")}
        for seed in (0, 0, 1)
    ]
    assert len(drawn[0]) == 5
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (completion([[20, 10, 120, 60]], (200, 100), [0.9]), "right"),
        (completion([[20, 10, 120, 60], [0, 0, 9, 9]], (200, 100), [0.9, 0.1]), "partly"),
        (completion([[0, 0, 9, 9]], (200, 100), [0.9]), "wrong"),
        ("<think>a</think><answer>No Objects</answer>", "wrong"),
        ("", "wrong"),
    ],
)
def test_a_detection_answer_gets_an_outcome(tmp_path: Path, text: str, outcome: str) -> None:
    data = _detection(tmp_path)
    sample = data.samples(TEMPLATE, "truth")[0]
    assert data.judge(sample, Answer(sample.id, text), Reading()).outcome == outcome


def test_saying_that_there_is_nothing_is_right_when_there_is_nothing(tmp_path: Path) -> None:
    data = _detection(tmp_path)
    sample = next(s for s in data.samples(TEMPLATE, "negatives") if s.id == "7:3")
    assert (
        data.judge(sample, Answer("7:3", "<think>a</think><answer>No Objects</answer>"), Reading()).outcome == "right"
    )
    assert data.judge(sample, Answer("7:3", "no idea"), Reading()).outcome == "wrong"
    assert data.judge(sample, None, Reading()).outcome == "unanswered"
    assert data.judge(sample, Answer("7:3", None, "too long"), Reading()).outcome == "failed"


@pytest.mark.parametrize(
    ("space", "numbers"),
    [("norm1000", "100, 100, 600, 600"), ("norm1", ".1, .1, .6, .6"), ("pixels", "20, 10, 120, 60")],
)
def test_boxes_come_back_in_pixels_whatever_the_space(tmp_path: Path, space: Any, numbers: str) -> None:
    data = _detection(tmp_path)
    sample = data.samples(TEMPLATE, "truth")[0]
    text = f"<think>a</think><answer>[{{'Position': [{numbers}], 'Confidence': 1.0}}]</answer>"
    judged = data.judge(sample, Answer(sample.id, text), Reading(space=space))
    assert judged.boxes.tolist() == [pytest.approx([20, 10, 120, 60])]
    assert judged.score.value == pytest.approx(3.0)


@pytest.mark.parametrize("profile", list(PROFILES))
@pytest.mark.parametrize("text", ["", "\ud800", "<answer>" * 500, "[" * 3000, "<answer>[[nan,1e999,0,0]]</answer>"])
def test_judging_is_total_and_inside_the_bounds(tmp_path: Path, profile: str, text: str) -> None:
    data = _detection(tmp_path)
    sample = data.samples(TEMPLATE, "truth")[0]
    reading = Reading(profile=profile)
    low, high = data.reward_bounds(reading)
    assert low <= data.judge(sample, Answer(sample.id, text), reading).score.value <= high


def test_true_boxes_without_area_are_left_to_the_metrics_and_said(tmp_path: Path) -> None:
    document = coco_document()
    document["annotations"][0]["bbox"] = [20, 10, 0, 50]
    data = _detection(tmp_path, document)
    assert [sample.id for sample in data.samples(TEMPLATE, "truth")] == ["9:2"]
    assert data.data_notes()[0].startswith("Boxes without area inside their image")


def test_images_are_checked_against_their_annotations(tmp_path: Path) -> None:
    data = _detection(tmp_path)
    with pytest.raises(InputError, match=r"a\.png: no such image"):
        data.check_images()
    write_coco(tmp_path, images=True)
    data.check_images()
    Image.new("RGB", (10, 10)).save(tmp_path / "images" / "b.png")
    with pytest.raises(InputError, match=r"b\.png: is 10x10, its annotations say 50x50"):
        data.check_images()
    (tmp_path / "images" / "a.png").write_bytes(b"not an image")
    with pytest.raises(InputError, match=r"a\.png: not an image"):
        data.check_images()


def _classification(folder: Path) -> Any:
    (folder / "index.csv").write_text("image,label\na.png,rose\nb.png,desert rose\n", encoding="utf-8")
    return load_task(TASKS["classification"], LoadOptions(folder))


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("Rose.", "right"), ("a photo of a rose", "partly"), ("desert rose", "wrong"), ("tulip", "wrong"), ("", "wrong")],
)
def test_accuracy_is_exact_after_normalisation(tmp_path: Path, answer: str, outcome: str) -> None:
    data = _classification(tmp_path)
    sample = data.samples("Which?", None)[0]
    text = f"<think>hm</think><answer>{answer}</answer>"
    assert data.judge(sample, Answer(sample.id, text), Reading()).outcome == outcome


def test_classification_measures_both_rules_and_counts_who_names_nothing(tmp_path: Path) -> None:
    data = _classification(tmp_path)
    samples = data.samples("Which?", None)
    texts = ["<think>h</think><answer>it is a rose</answer>", "<think>h</think><answer>tulip</answer>"]
    judged = [data.judge(s, Answer(s.id, t), Reading()) for s, t in zip(samples, texts, strict=True)]
    measures = data.measure(Verdicts.of(judged), Reading())
    assert measures.metrics == {"accuracy": 0.0, "accuracy_fuzzy": 0.5, "accuracy_visual_rft": 0.5}
    assert measures.counts["off_list"] == 1
    assert measures.predictions[1] == {"id": "b.png", "label": None, "answer": "tulip"}


def test_class_names_that_are_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("image,label\na.png,red rose\nb.png,Red_Rose\n", encoding="utf-8")
    with pytest.raises(InputError, match="the class names don't work"):
        load_task(TASKS["classification"], LoadOptions(tmp_path))


def test_grounding_without_masks_says_so_and_with_them_fills_the_box(tmp_path: Path) -> None:
    row = {"image": "a.png", "text": "the cup", "box": [0, 0, 50, 50], "size": [100, 100]}
    write_lines(tmp_path / "grounding.jsonl", [row])
    data = load_task(TASKS["grounding"], LoadOptions(tmp_path))
    (sample,) = data.samples("Where is {question}?", None)
    assert sample.prompt == "Where is the cup?"
    judged = data.judge(sample, Answer("a", "<think>x</think><answer>(0,0),(500,250)</answer>"), Reading())
    measures = data.measure(Verdicts.of([judged]), Reading())
    assert {key for key, value in measures.metrics.items() if value is None} == MASK_METRICS
    assert (measures.metrics["mIoU"], measures.metrics["Acc50"]) == (0.5, 1.0)
    assert any("no masks" in note for note in measures.notes)
    write_lines(tmp_path / "grounding.jsonl", [{**row, "mask": {"size": [100, 100], "counts": [0, 10_000]}}])
    data = load_task(TASKS["grounding"], LoadOptions(tmp_path))
    (sample,) = data.samples("Where is {question}?", None)
    measures = data.measure(Verdicts.of([data.judge(sample, Answer("a", judged.text), Reading())]), Reading())
    assert measures.metrics["gIoU"] == pytest.approx(50 * 25 / 10_000)
    assert any("filled" in note for note in measures.notes)


def test_the_base_categories_are_the_rest_of_coco_as_the_papers_table_7_has_it() -> None:
    """All = (15 novel + 65 base) / 80 in each of its rows, to the rounding of three printed numbers."""
    (table,) = (table for table in paper_tables().tables if table.number == 7)
    assert [column.task for column in table.columns] == ["coco-novel15", "coco-base65", "coco"]
    assert len(table.rows) == 6
    for row in table.rows:
        novel, base, every = (value or 0.0 for value in row.values)
        # Each printed number is off by at most .05.
        assert (15 * novel + 65 * base) / 80 == pytest.approx(every, abs=0.1001)
    counts = {name: len(TASKS[name].categories or ()) for name in ("coco-novel15", "coco-base65")}
    assert counts == {"coco-novel15": 15, "coco-base65": 65}
