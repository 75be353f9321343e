from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_sams import write_sam
from transformers import SamModel, SamProcessor

from vrft_eval.demo import checkpoint
from vrft_eval.demo.scenes import Scene, make_scene
from vrft_eval.masks import BoxToMask, Masks, fill_boxes

HELD_OUT = 40_000_000


@pytest.fixture(scope="module")
def sam() -> BoxToMask:
    return BoxToMask(checkpoint("sam"), device="cpu")


def boxes_of(scene: Scene) -> NDArray[np.float64]:
    return np.array([item.box for item in scene.objects], np.float64)


def iou(masks: Masks, truth: Masks) -> NDArray[np.float64]:
    found: NDArray[np.float64] = (masks & truth).sum((1, 2)) / (masks | truth).sum((1, 2))
    return found


class TestFillBoxes:
    def test_whole_pixels(self) -> None:
        mask = fill_boxes([[1, 0, 3, 2]], (4, 3))
        assert mask.dtype == np.bool_
        assert mask.astype(int).tolist() == [[[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]]

    def test_a_pixel_counts_by_its_centre(self) -> None:
        assert fill_boxes([[0.5, 0, 1.5, 1]], (3, 1)).astype(int).tolist() == [[[1, 0, 0]]]
        assert fill_boxes([[0.6, 0, 1.6, 1]], (3, 1)).astype(int).tolist() == [[[0, 1, 0]]]

    @pytest.mark.parametrize(
        "box",
        [
            [2, 2, 2, 2],
            [3, 3, 1, 1],
            [-9, -9, -1, -1],
            [90, 90, 99, 99],
            [np.nan, 0, 4, 4],
            [0, 0, np.nan, 4],
            [1.6, 0, 2.4, 4],
        ],
    )
    def test_nothing_inside(self, box: list[float]) -> None:
        assert not fill_boxes([box], (5, 4)).any()

    def test_beyond_the_image(self) -> None:
        assert fill_boxes([[-1e300, -np.inf, np.inf, 1e300]], (5, 4)).all()

    def test_no_boxes(self) -> None:
        assert fill_boxes(np.zeros((0, 4)), (5, 4)).shape == (0, 4, 5)
        assert fill_boxes([], (5, 4)).shape == (0, 4, 5)

    @pytest.mark.parametrize("boxes", [[1, 2, 3, 4], [[1, 2, 3]], [[[1, 2, 3, 4]]]])
    def test_other_shapes(self, boxes: list[Any]) -> None:
        with pytest.raises(ValueError, match=r"boxes: must be \(n, 4\)"):
            fill_boxes(boxes, (5, 4))


class TestShippedSam:
    def test_exact_boxes_give_exact_masks(self, sam: BoxToMask) -> None:
        found: list[float] = []
        for seed in range(HELD_OUT, HELD_OUT + 40):
            scene = make_scene(seed)
            truth = np.stack([item.mask() for item in scene.objects])
            masks = sam.masks(scene.image, boxes_of(scene))
            assert masks.shape == truth.shape
            assert masks.dtype == np.bool_
            found += iou(masks, truth).tolist()
        assert np.mean(found) > 0.95
        assert np.quantile(found, 0.05) > 0.85

    def test_better_than_filling_a_box_that_is_off(self, sam: BoxToMask) -> None:
        rng = np.random.default_rng(0)
        masks: list[float] = []
        filled: list[float] = []
        for seed in range(HELD_OUT, HELD_OUT + 40):
            scene = make_scene(seed)
            truth = np.stack([item.mask() for item in scene.objects])
            exact = boxes_of(scene)
            sides = np.tile(exact[:, 2:] - exact[:, :2], 2)
            boxes = exact + rng.uniform(-0.15, 0.15, exact.shape) * sides
            masks += iou(sam.masks(scene.image, boxes), truth).tolist()
            filled += iou(fill_boxes(boxes, scene.image.size), truth).tolist()
        assert np.mean(masks) > 0.9 > np.mean(filled) + 0.2

    def test_a_batch_is_its_boxes_one_by_one(self, sam: BoxToMask) -> None:
        scene = next(s for s in map(make_scene, range(HELD_OUT, HELD_OUT + 99)) if len(s.objects) == 3)
        boxes = boxes_of(scene)
        together = sam.masks(scene.image, boxes)
        small = BoxToMask(checkpoint("sam"), device="cpu", batch_size=2).masks(scene.image, boxes)
        alone = np.concatenate([sam.masks(scene.image, box[None]) for box in boxes])
        # The order of sums in a matrix product depends on the batch: a pixel at logit 0 may flip.
        assert (together != small).mean() < 1e-4
        assert (together != alone).mean() < 1e-4

    def test_no_boxes(self, sam: BoxToMask) -> None:
        assert sam.masks(Image.new("RGB", (30, 20)), np.zeros((0, 4))).shape == (0, 20, 30)
        assert sam.masks(Image.new("RGB", (30, 20)), []).shape == (0, 20, 30)

    @pytest.mark.parametrize("size", [(224, 224), (300, 200), (90, 160)])
    def test_other_image_sizes(self, sam: BoxToMask, size: tuple[int, int]) -> None:
        scene = make_scene(HELD_OUT)
        scale = min(size) / 112
        inner = scene.image.resize((min(size), min(size)))
        image = Image.new("RGB", size, (150, 168, 150))
        image.paste(inner)
        masks = sam.masks(image, boxes_of(scene) * scale)
        assert masks.shape == (len(scene.objects), size[1], size[0])
        side = min(size)
        truth = np.stack(
            [
                np.asarray(Image.fromarray(item.mask()).resize((side, side), Image.Resampling.NEAREST))
                for item in scene.objects
            ]
        )
        assert iou(masks[:, :side, :side], truth).mean() > 0.7

    @pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "CMYK"])
    def test_image_modes(self, sam: BoxToMask, mode: str) -> None:
        image = make_scene(HELD_OUT).image.convert(mode)
        assert sam.masks(image, [[10, 10, 60, 60]]).shape == (1, 112, 112)

    def test_degenerate_boxes_are_empty_and_harm_no_others(self, sam: BoxToMask) -> None:
        scene = make_scene(HELD_OUT)
        good = boxes_of(scene)[:1]
        bad = [
            [5, 5, 5, 9],
            [60, 60, 20, 20],
            [200, 200, 300, 300],
            [np.nan, 0, 50, 50],
            [0, 0, np.inf, 50],
            [-50, -50, -1, -1],
        ]
        masks = sam.masks(scene.image, np.concatenate([bad, good]))
        assert not masks[:-1].any()
        assert (masks[-1] != sam.masks(scene.image, good)[0]).mean() < 1e-4

    def test_boxes_beyond_the_image_are_clipped(self, sam: BoxToMask) -> None:
        image = make_scene(HELD_OUT).image
        beyond = sam.masks(image, [[-1e9, -1e9, 1e9, 1e9]])
        assert np.array_equal(beyond, sam.masks(image, [[0, 0, 112, 112]]))

    def test_an_image_that_vanishes_when_resized(self, sam: BoxToMask) -> None:
        with pytest.raises(ValueError, match="too narrow"):
            sam.masks(Image.new("RGB", (2000, 1)), [[0, 0, 2000, 1]])
        assert sam.masks(Image.new("RGB", (112, 1)), [[0, 0, 112, 1]]).shape == (1, 1, 112)

    def test_the_plain_classes_load_it(self) -> None:
        scene = make_scene(HELD_OUT)
        model = SamModel.from_pretrained(checkpoint("sam"), dtype=torch.float32)
        processor = SamProcessor.from_pretrained(checkpoint("sam"))
        inputs = processor(scene.image, input_boxes=[boxes_of(scene).tolist()], return_tensors="pt")
        inputs["input_boxes"] = inputs["input_boxes"].float()
        for multimask in (False, True):
            with torch.no_grad():
                out = model(
                    **{name: inputs[name] for name in ("pixel_values", "input_boxes")}, multimask_output=multimask
                )
            masks = processor.post_process_masks(
                out.pred_masks, inputs["original_sizes"], inputs["reshaped_input_sizes"]
            )[0][:, 0].numpy()
            truth = np.stack([item.mask() for item in scene.objects])
            assert iou(masks, truth).mean() > 0.9
            assert (out.iou_scores > 0.8).all()

    def test_it_is_small(self) -> None:
        assert sum(file.stat().st_size for file in checkpoint("sam").iterdir()) < 5 * 2**20


def test_a_sam_of_another_size(tmp_path: Path) -> None:
    write_sam(tmp_path)
    masks = BoxToMask(tmp_path).masks(Image.new("RGB", (70, 45)), [[1, 2, 30, 40]] * 3)
    assert masks.shape == (3, 45, 70)


class TestBadFolders:
    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="nowhere: no such folder"):
            BoxToMask(tmp_path / "nowhere")

    def test_empty(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"config\.json is missing"):
            BoxToMask(tmp_path)

    @pytest.mark.parametrize("text", ["{", "[]", "{}", '{"model_type": "bert"}', "\xff"])
    def test_no_sam(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "config.json").write_text(text, encoding="latin-1")
        with pytest.raises(ValueError, match=r"config\.json"):
            BoxToMask(tmp_path)

    @pytest.mark.parametrize("name", ["model.safetensors", "processor_config.json"])
    @pytest.mark.parametrize("content", [None, b"", b"{", b"\x00" * 64])
    def test_broken_files(self, tmp_path: Path, name: str, content: bytes | None) -> None:
        folder = copy_of_checkpoint(tmp_path)
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content)
        with pytest.raises(ValueError, match="broken SAM checkpoint") as caught:
            BoxToMask(folder)
        assert str(folder) in str(caught.value)

    def test_weights_that_are_missing(self, tmp_path: Path) -> None:
        folder = copy_of_checkpoint(tmp_path)
        weights = load_file(folder / "model.safetensors")
        del weights["mask_decoder.mask_tokens.weight"]
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        with pytest.raises(ValueError, match=r"mask_decoder\.mask_tokens\.weight"):
            BoxToMask(folder)

    def test_weights_of_another_shape(self, tmp_path: Path) -> None:
        folder = copy_of_checkpoint(tmp_path)
        weights = load_file(folder / "model.safetensors")
        weights["mask_decoder.mask_tokens.weight"] = torch.zeros(1, 3)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        with pytest.raises(ValueError, match="broken SAM checkpoint"):
            BoxToMask(folder)

    def test_device_and_batch_size(self) -> None:
        with pytest.raises(ValueError, match=r"device: .*'abacus'"):
            BoxToMask(checkpoint("sam"), device="abacus")
        with pytest.raises(ValueError, match="batch_size"):
            BoxToMask(checkpoint("sam"), batch_size=0)


def test_importing_it_does_not_import_torch() -> None:
    code = "import sys, vrft_eval.masks; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def copy_of_checkpoint(folder: Path) -> Path:
    return Path(shutil.copytree(checkpoint("sam"), folder / "sam"))
