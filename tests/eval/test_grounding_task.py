"""The grounding task as a whole: whose truth counts for which rule, and masks that are made once and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs
from numpy.typing import NDArray
from PIL import Image

from vrft_eval.backends import Answer
from vrft_eval.demo import checkpoint
from vrft_eval.errors import InputError
from vrft_eval.masks import BoxToMask
from vrft_eval.masks.models import MaskLine
from vrft_eval.masks.saved import SavedMasks
from vrft_eval.masks.segment import SamOptions
from vrft_eval.metrics import LISA, VISUAL_RFT, overlap_of, polygon_mask
from vrft_eval.rle import decode_rle, encode_rle
from vrft_eval.samples import Sample
from vrft_eval.tasks import TASKS, Judged, LoadOptions, Measures, Reading, load_task

SIZE = (60, 40)
SAM = checkpoint("sam")


def rectangle(x1: int, y1: int, x2: int, y2: int) -> NDArray[np.bool_]:
    mask = np.zeros((SIZE[1], SIZE[0]), dtype=bool)
    mask[y1:y2, x1:x2] = True
    return mask


@pytest.fixture
def data(tmp_path: Path) -> Any:
    """Three samples of two images; what tests need further is put on the samples themselves."""
    pixels = np.random.default_rng(1).integers(0, 255, (2, SIZE[1], SIZE[0], 3), dtype=np.uint8)
    (tmp_path / "images").mkdir()
    for name, picture in zip(("a.png", "b.png"), pixels, strict=True):
        Image.fromarray(picture).save(tmp_path / "images" / name)
    mask = encode_rle(rectangle(10, 10, 30, 30))
    row = {"image": "images/a.png", "text": "the cup", "box": [10, 10, 30, 30], "size": list(SIZE), "mask": mask}
    (tmp_path / "grounding.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return load_task(TASKS["grounding"], LoadOptions(tmp_path))


def samples_of(data: Any, tmp_path: Path) -> list[Sample]:
    (first,) = data.samples("Where is {question}?", None)
    other = encode_rle(rectangle(0, 0, 20, 20))
    return [
        first,
        structs.replace(first, id="a2", truth=np.array([0.0, 0, 20, 20]), mask=other, image_id="a2"),
        structs.replace(first, id="b", image=tmp_path / "images" / "b.png", image_id="b"),
    ]


def said(box: Sequence[float]) -> str:
    numbers = [round(1000 * value / side) for value, side in zip(box, (*SIZE, *SIZE), strict=True)]
    return f"<think>x</think><answer>({numbers[0]},{numbers[1]}),({numbers[2]},{numbers[3]})</answer>"


def measure(data: Any, samples: Sequence[Sample], texts: Sequence[str], reading: Reading | None = None) -> Measures:
    reading = reading or Reading()
    judged: list[Judged] = [
        data.judge(sample, Answer(sample.id, text), reading) for sample, text in zip(samples, texts, strict=True)
    ]
    measures: Measures = data.measure(judged, reading)
    return measures


def test_lisas_rule_leaves_the_ignore_region_out_and_visual_rfts_takes_the_first_polygon(
    data: Any, tmp_path: Path
) -> None:
    (sample, *_) = samples_of(data, tmp_path)
    truth, ignore, guess = rectangle(10, 10, 30, 30), rectangle(30, 10, 40, 30), rectangle(10, 10, 40, 30)
    polygon = ((10.0, 10.0), (19.0, 10.0), (19.0, 29.0), (10.0, 29.0))
    sample = structs.replace(sample, ignore=encode_rle(ignore), polygon=polygon)
    found = measure(data, [sample], [said([10, 10, 40, 30])])
    assert found.metrics["gIoU"] == LISA.giou([overlap_of(guess, truth, ignore)]) == pytest.approx(1.0, abs=1e-6)
    first = polygon_mask(polygon, SIZE)
    assert first.sum() == 10 * 20  # Pillow draws the outline too
    assert found.metrics["gIoU_visual_rft"] == VISUAL_RFT.giou([overlap_of(guess, first)])
    assert found.metrics["gIoU_visual_rft"] == pytest.approx(200 / 600, abs=1e-6)
    assert found.metrics["cIoU_visual_rft"] == pytest.approx(200 / 600, abs=1e-6)


def test_an_image_without_a_polygon_is_dropped_by_visual_rfts_rule_alone(data: Any, tmp_path: Path) -> None:
    one, two, _ = samples_of(data, tmp_path)
    one = structs.replace(one, polygon=((10.0, 10.0), (29.0, 10.0), (29.0, 29.0), (10.0, 29.0)))
    nothing = structs.replace(two, truth=np.zeros((0, 4)), mask=encode_rle(rectangle(0, 0, 0, 0)))
    found = measure(data, [one, nothing], [said([10, 10, 30, 30]), "<think>x</think><answer>No Objects</answer>"])
    assert found.metrics["gIoU"] == pytest.approx(1.0, abs=1e-6)  # nothing to find and nothing found is right
    assert found.metrics["gIoU_visual_rft"] == pytest.approx(1.0, abs=1e-6)  # of one image
    assert found.metrics["mIoU"] == pytest.approx(1.0, abs=2e-3)  # of one sample
    assert found.counts["nothing_to_find"] == 1
    assert any("1 samples have nothing to find" in note for note in found.notes)
    wrong = measure(data, [one, nothing], [said([10, 10, 30, 30]), said([0, 0, 20, 20])])
    assert wrong.metrics["gIoU"] == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "outcome", "format_part"),
    [
        ("<think>x</think><answer>No Objects</answer>", "right", 1.0),
        (said([0, 0, 20, 20]), "wrong", 1.0),
        ("no idea", "wrong", 0.0),
    ],
)
def test_where_there_is_nothing_to_find_only_the_format_is_paid(
    data: Any, tmp_path: Path, text: str, outcome: str, format_part: float
) -> None:
    nothing = structs.replace(samples_of(data, tmp_path)[0], truth=np.zeros((0, 4)))
    for profile in ("default", "paper", "visual-rft", "seg-zero"):
        reading = Reading(profile=profile)
        judged = data.judge(nothing, Answer("a", text), reading)
        assert judged.outcome == outcome
        low, high = data.reward_bounds(reading)
        assert low <= judged.score.value <= high
        assert all(part == 0 for key, part in judged.score.parts.items() if key != "format")
    assert data.judge(nothing, Answer("a", text), Reading(profile="visual-rft")).score.parts["format"] == format_part


def test_data_without_polygons_say_so(data: Any, tmp_path: Path) -> None:
    found = measure(data, samples_of(data, tmp_path)[:1], [said([10, 10, 30, 30])])
    assert any("no polygons" in note for note in found.notes)
    assert found.metrics["gIoU_visual_rft"] == pytest.approx(1.0, abs=1e-6)


def test_records_give_the_metrics_again(data: Any, tmp_path: Path) -> None:
    texts = [said([12, 10, 33, 30]), "nothing", said([0, 0, 9, 40])]
    found = measure(data, samples_of(data, tmp_path), texts)
    assert found.records is not None
    whole = found.records.metrics(np.ones((1, len(found.records.images)), dtype=np.int32))
    assert {name: float(values[0]) for name, values in whole.items()} == pytest.approx(found.metrics, abs=1e-12)


class TestSavedMasks:
    BOXES = ([10, 10, 30, 30], [0, 0, 20, 20], [5, 5, 50, 35])

    def reading(self, tmp_path: Path, **options: Any) -> Reading:
        return Reading(sam=SAM, device="cpu", masks_file=tmp_path / "masks.jsonl", **options)

    def ask(self, data: Any, tmp_path: Path, boxes: Sequence[Sequence[float]], **options: Any) -> tuple[Measures, int]:
        """Measure, and count how often an image was really embedded."""
        reading = self.reading(tmp_path, **options)
        calls: list[int] = []
        model = SamOptions(SAM, "cpu", reading.sam_dtype, reading.sam_choice).load().model
        hook = model.vision_encoder.register_forward_hook(lambda *_: calls.append(1))
        try:
            found = measure(data, samples_of(data, tmp_path), [said(box) for box in boxes], reading)
        finally:
            hook.remove()
        return found, len(calls)

    def test_each_image_is_embedded_once_and_the_masks_are_sams(self, data: Any, tmp_path: Path) -> None:
        found, calls = self.ask(data, tmp_path, self.BOXES)
        assert calls == 2  # three samples of two images
        sam = BoxToMask(SAM, device="cpu")
        for sample, key in zip(samples_of(data, tmp_path), ("a", "a2", "b"), strict=True):
            line = next(line for line in lines(tmp_path) if line.id == key)
            with Image.open(sample.image) as image:
                alone = sam.masks(image, [line.box])[0]
            assert (decode_rle(found.masks[key]) != alone).mean() < 1e-3
            assert line.mask.model_dump() == found.masks[key]

    def test_nothing_is_asked_again_when_nothing_changed(self, data: Any, tmp_path: Path) -> None:
        first, _ = self.ask(data, tmp_path, self.BOXES)
        again, calls = self.ask(data, tmp_path, self.BOXES)
        assert calls == 0
        assert again.metrics == first.metrics
        assert again.masks == first.masks

    def test_only_what_changed_is_asked_again(self, data: Any, tmp_path: Path) -> None:
        self.ask(data, tmp_path, self.BOXES)
        _, calls = self.ask(data, tmp_path, [*self.BOXES[:2], [6, 5, 50, 35]])
        assert calls == 1
        Image.new("RGB", SIZE, "red").save(tmp_path / "images" / "b.png")
        _, calls = self.ask(data, tmp_path, [*self.BOXES[:2], [6, 5, 50, 35]])
        assert calls == 1
        _, calls = self.ask(data, tmp_path, self.BOXES, sam_choice="best")
        assert calls == 2

    def test_masks_are_used_where_the_images_are_gone(self, data: Any, tmp_path: Path) -> None:
        first, _ = self.ask(data, tmp_path, self.BOXES)
        for image in (tmp_path / "images").iterdir():
            image.unlink()
        again, calls = self.ask(data, tmp_path, self.BOXES)
        assert (calls, again.metrics) == (0, first.metrics)

    def test_masks_are_used_where_the_sam_is_gone(self, data: Any, tmp_path: Path) -> None:
        first, _ = self.ask(data, tmp_path, self.BOXES)
        known = SamOptions(SAM).fingerprint
        reading = replace(self.reading(tmp_path), sam=tmp_path / "gone", sam_fingerprint=known)
        texts = [said(box) for box in self.BOXES]
        assert measure(data, samples_of(data, tmp_path), texts, reading).metrics == first.metrics
        with pytest.raises(InputError, match="gone: no such folder"):
            measure(data, samples_of(data, tmp_path), [*texts[:2], said([6, 5, 50, 35])], reading)

    def test_what_was_made_before_a_crash_is_kept(self, data: Any, tmp_path: Path) -> None:
        (tmp_path / "images" / "b.png").write_bytes(b"broken")
        with pytest.raises(InputError, match=r"b\.png: not an image"):
            self.ask(data, tmp_path, self.BOXES)
        assert sorted(line.id for line in lines(tmp_path)) == ["a", "a2"]
        with (tmp_path / "masks.jsonl").open("ab") as stream:
            stream.write(b'{"id": "b", "torn')
        Image.new("RGB", SIZE, "red").save(tmp_path / "images" / "b.png")
        _, calls = self.ask(data, tmp_path, self.BOXES)
        assert calls == 1

    def test_masks_of_another_sam_and_of_other_boxes_stay(self, data: Any, tmp_path: Path) -> None:
        first, _ = self.ask(data, tmp_path, self.BOXES)
        self.ask(data, tmp_path, [*self.BOXES[:2], [6, 5, 50, 35]])
        found, _ = self.ask(data, tmp_path, self.BOXES, sam_choice="best")
        assert len(lines(tmp_path)) == 3 + 1 + 3
        assert found.files["masks.jsonl"] == (tmp_path / "masks.jsonl").read_bytes()
        again, calls = self.ask(data, tmp_path, self.BOXES)
        assert (calls, again.masks) == (0, first.masks)

    def test_a_broken_line_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "masks.jsonl").write_text('{"id": "a"}\n', encoding="utf-8")
        with pytest.raises(InputError, match=r"masks\.jsonl:1: image: Field required"):
            SavedMasks(tmp_path / "masks.jsonl", "x")

    def test_an_image_of_another_size_than_the_data_say(self, data: Any, tmp_path: Path) -> None:
        Image.new("RGB", (9, 9)).save(tmp_path / "images" / "b.png")
        with pytest.raises(InputError, match=r"b\.png: is of size \(9, 9\), its annotations say \(60, 40\)"):
            self.ask(data, tmp_path, self.BOXES)


def lines(tmp_path: Path) -> list[MaskLine]:
    rows = (tmp_path / "masks.jsonl").read_text(encoding="utf-8").splitlines()
    return [MaskLine.model_validate_json(row) for row in rows]
