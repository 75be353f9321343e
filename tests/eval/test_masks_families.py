"""SAM, SAM 2 and SAM 3: masks as of a direct call of transformers, one embedding an image, hostile boxes safe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_sams import write_sam, write_sam2, write_sam3

from vrft_eval.demo import checkpoint
from vrft_eval.demo.scenes import make_scene
from vrft_eval.errors import InputError
from vrft_eval.masks import FAMILIES, BoxToMask

hf: Any = transformers
BOXES = [[1.0, 2.0, 30.0, 40.0], [5.0, 5.0, 60.5, 44.25], [20.0, 10.0, 50.0, 30.0]]
KINDS = ["sam", "sam2", "sam3_tracker"]
CLASSES = {
    "sam": ("SamModel", "SamProcessor"),
    "sam2": ("Sam2Model", "Sam2Processor"),
    "sam3_tracker": ("Sam3TrackerModel", "Sam3TrackerProcessor"),
}

WRITERS: dict[str, Callable[[Path], Path]] = {
    "sam": write_sam,
    "sam2": write_sam2,
    "sam2_video": lambda folder: write_sam2(folder, video=True),
    "sam3_tracker": write_sam3,
    "sam3_video": lambda folder: write_sam3(folder, video=True),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("sams")

    def folder(kind: str) -> Path:
        return root / kind if (root / kind).exists() else WRITERS[kind](root / kind)

    return folder


def noise(size: tuple[int, int] = (70, 45)) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def direct(
    folder: Path, kind: str, image: Image.Image, boxes: list[list[float]], multimask: bool, dtype: Any = torch.float32
) -> tuple[Any, Any]:
    """What transformers itself makes of pixels and boxes in one call: masks (n, k, h, w) and predicted IoUs (n, k)."""
    model_name, processor_name = CLASSES[kind]
    model = getattr(hf, model_name).from_pretrained(folder, dtype=dtype).eval()
    processor = getattr(hf, processor_name).from_pretrained(folder)
    inputs = processor(images=image, input_boxes=[boxes], return_tensors="pt")
    with torch.no_grad():
        output = model(
            pixel_values=inputs["pixel_values"].to(dtype),
            input_boxes=inputs["input_boxes"].float(),
            multimask_output=multimask,
        )
    sizes = [inputs[name] for name in ("original_sizes", "reshaped_input_sizes") if name in inputs]
    masks = processor.post_process_masks(output.pred_masks.float(), *sizes)[0]
    return masks.numpy(), output.iou_scores[0].float().numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_the_single_mask_is_that_of_a_direct_call(folders: Callable[[str], Path], kind: str) -> None:
    found = BoxToMask(folders(kind), device="cpu").masks(noise(), BOXES)
    expected, _ = direct(folders(kind), kind, noise(), BOXES, multimask=False)
    assert found.shape == (3, 45, 70)
    assert 0.02 < found.mean() < 0.98  # random weights, but not an empty comparison
    assert np.array_equal(found, expected[:, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_the_best_mask_is_the_one_with_the_highest_predicted_iou(folders: Callable[[str], Path], kind: str) -> None:
    found = BoxToMask(folders(kind), device="cpu", choice="best").masks(noise(), BOXES)
    masks, scores = direct(folders(kind), kind, noise(), BOXES, multimask=True)
    assert masks.shape[1] == 3
    assert np.array_equal(found, masks[np.arange(3), scores.argmax(axis=1)])


def test_single_and_best_are_two_choices(tmp_path: Path) -> None:
    folder = write_sam2(tmp_path / "sam2", stability=False)
    single = BoxToMask(folder, device="cpu").masks(noise(), BOXES)
    best = BoxToMask(folder, device="cpu", choice="best").masks(noise(), BOXES)
    assert not np.array_equal(single, best)


@pytest.mark.parametrize("kind", list(FAMILIES))
def test_an_image_is_embedded_once_for_all_its_boxes(folders: Callable[[str], Path], kind: str) -> None:
    sam = BoxToMask(folders(kind), device="cpu", batch_size=2)
    calls: list[int] = []
    hook = sam.model.vision_encoder.register_forward_hook(lambda *_: calls.append(1))
    decoded: list[int] = []
    other = sam.model.mask_decoder.register_forward_hook(lambda *_: decoded.append(1))
    try:
        sam.masks(noise(), BOXES * 3)
        assert (len(calls), len(decoded)) == (1, 5)  # 9 boxes, two at a time
        sam.masks(noise(), np.array([[5, 5, 5, 9], [np.nan, 0, 1, 1], [900, 900, 990, 990]]))
        sam.masks(noise(), [])
        assert len(calls) == 1  # nothing to ask about
    finally:
        hook.remove()
        other.remove()


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_its_boxes_one_by_one(folders: Callable[[str], Path], kind: str) -> None:
    sam = BoxToMask(folders(kind), device="cpu")
    together = sam.masks(noise(), BOXES)
    alone = np.concatenate([sam.masks(noise(), [box]) for box in BOXES])
    # The order of sums in a matrix product depends on the batch: a pixel at logit 0 may flip.
    assert (together != alone).mean() < 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_boxes_are_safe_and_harm_no_others(folders: Callable[[str], Path], kind: str) -> None:
    sam = BoxToMask(folders(kind), device="cpu")
    bad: list[list[float]] = [
        [5, 5, 5, 9],
        [60, 40, 20, 20],
        [200, 200, 300, 300],
        [np.nan, 0, 50, 50],
        [0, 0, np.inf, 50],
        [-50, -50, -1, -1],
    ]
    masks = sam.masks(noise(), np.array([*bad, BOXES[0]]))
    assert not masks[:-1].any()
    assert (masks[-1] != sam.masks(noise(), [BOXES[0]])[0]).mean() < 1e-3
    whole = sam.masks(noise(), [[-1e9, -1e9, 1e9, 1e9]])
    assert np.array_equal(whole, sam.masks(noise(), [[0, 0, 70, 45]]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (200, 3), (3, 200), (129, 128)])
def test_odd_sizes(folders: Callable[[str], Path], kind: str, size: tuple[int, int]) -> None:
    masks = BoxToMask(folders(kind), device="cpu").masks(noise(size), [[0, 0, *size]])
    assert masks.shape == (1, size[1], size[0])


@pytest.mark.parametrize("kind", ["sam2", "sam3_tracker"])
def test_half_precision_is_that_of_a_direct_call(folders: Callable[[str], Path], kind: str) -> None:
    sam = BoxToMask(folders(kind), device="cpu", dtype="bfloat16")
    assert sam.model.dtype == torch.bfloat16
    expected, _ = direct(folders(kind), kind, noise(), BOXES, multimask=False, dtype=torch.bfloat16)
    assert np.array_equal(sam.masks(noise(), BOXES), expected[:, 0])


def test_half_precision_of_a_trained_sam_gives_nearly_the_same_masks() -> None:
    scene = make_scene(40_000_000)
    boxes = [item.box for item in scene.objects]
    whole = BoxToMask(checkpoint("sam"), device="cpu").masks(scene.image, boxes)
    half = BoxToMask(checkpoint("sam"), device="cpu", dtype="bfloat16").masks(scene.image, boxes)
    assert (whole == half).mean() > 0.99


@pytest.mark.parametrize(("option", "value"), [("dtype", "int8"), ("choice", "all")])
def test_options_out_of_range(folders: Callable[[str], Path], option: str, value: str) -> None:
    arguments: dict[str, Any] = {option: value}
    with pytest.raises(InputError, match=f"{option}: must be one of .*'{value}'"):
        BoxToMask(folders("sam2"), **arguments)


def test_a_sam3_that_takes_no_boxes_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "sam3"}', encoding="utf-8")
    with pytest.raises(InputError, match=r"must be one of sam, sam2, .*'sam3'"):
        BoxToMask(tmp_path)


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    folder = write_sam2(tmp_path / "sam2")
    weights = load_file(folder / "model.safetensors")
    del weights["mask_decoder.mask_tokens.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"broken SAM 2 checkpoint: 1 weights.*mask_decoder\.mask_tokens\.weight"):
        BoxToMask(folder)
