"""From a box to the mask of what is in it: SAM, or the filled box when there is no SAM."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vrft_eval.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

Masks = NDArray[np.bool_]

# Masks are scaled to the image's size as float32 before they become bool: at most 256 MiB of them at a time.
_PIXELS_AT_A_TIME = 2**26


def fill_boxes(boxes: ArrayLike, image_size: tuple[int, int]) -> Masks:
    """Fill boxes (n, 4), pixels xyxy, in an image of (width, height): (n, height, width) bool.

    A pixel belongs to a box when its centre lies in it. A box that is empty or not finite gives an empty mask.
    Raises ValueError when the boxes aren't (n, 4).

    >>> fill_boxes([[0, 1, 2, 2]], (3, 2)).astype(int).tolist()
    [[[0, 0, 0], [1, 1, 0]]]
    """
    width, height = image_size
    x1, y1, x2, y2 = _checked(boxes).T[:, :, None]
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    inside_x, inside_y = (x1 <= x) & (x < x2), (y1 <= y) & (y < y2)
    masks: Masks = inside_y[:, :, None] & inside_x[:, None, :]
    return masks


class BoxToMask:
    """A SAM checkpoint (transformers' `SamModel`, any size) that is prompted with boxes.

    path: the checkpoint's folder, with the processor's files; device: "auto" (a GPU when there is one) or what
    torch calls it; batch_size: boxes that are decoded at once. Raises ValueError for a folder that is missing,
    broken or no SAM, a device that torch doesn't have, and a batch size below one.
    """

    def __init__(self, path: str | Path, device: str = "auto", batch_size: int = 32) -> None:
        if batch_size < 1:
            raise InputError("must be at least 1", field="batch_size", value=batch_size)
        self.path = Path(path)
        self.batch_size = batch_size
        self.device = _device(device)
        self._model, self._processor = _load(self.path, self.device)

    def masks(self, image: Image.Image, boxes: ArrayLike) -> Masks:
        """One mask per box, (n, height, width) bool; boxes (n, 4), pixels xyxy. The image is embedded once.

        Boxes are clipped to the image first; one without area there gives an empty mask. Raises ValueError when
        the boxes aren't (n, 4), and for an image so narrow that nothing of it is left at SAM's size.
        """
        import torch

        width, height = image.size
        given = _checked(boxes)
        masks = np.zeros((len(given), height, width), np.bool_)
        finite = np.isfinite(given).all(axis=1, keepdims=True)
        inside = np.clip(np.where(finite, given, 0.0), 0.0, [width, height, width, height])
        asked = np.flatnonzero((inside[:, :2] < inside[:, 2:]).all(axis=1))
        if len(asked) == 0:
            return masks
        longest = self._processor.target_size
        if min(width, height) * longest < max(width, height) / 2:
            raise InputError("image is too narrow for SAM", field="image size", value=f"{width} x {height}")
        inputs = self._processor(images=image.convert("RGB"), input_boxes=[inside[asked].tolist()], return_tensors="pt")
        prompts = inputs["input_boxes"].to(self.device, torch.float32)
        step = min(self.batch_size, max(1, _PIXELS_AT_A_TIME // (width * height)))
        with torch.inference_mode():
            embedding = self._model.get_image_embeddings(inputs["pixel_values"].to(self.device))
            for first in range(0, len(asked), step):
                decoded = self._model(
                    image_embeddings=embedding,
                    input_boxes=prompts[:, first : first + step],
                    multimask_output=False,
                ).pred_masks
                full = self._processor.post_process_masks(
                    [decoded[0]], inputs["original_sizes"], inputs["reshaped_input_sizes"]
                )[0]
                masks[asked[first : first + step]] = full[:, 0].cpu().numpy()
        return masks


def _checked(boxes: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(boxes, dtype=np.float64)
    if array.size == 0:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise InputError("must be (n, 4), pixels xyxy", field="boxes", value=f"shape {array.shape}")
    return array


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch raises any of the three
        reason = str(error).splitlines()[0]
        raise InputError(f"torch can't use this device ({reason})", field="device", value=name) from None
    return name


def _load(path: Path, device: str) -> tuple[Any, Any]:
    """The model in float32 and its processor. Raises InputError that names the folder."""
    kind = _model_type(path)
    if kind != "sam":
        raise InputError("no SAM checkpoint; model_type must be 'sam'", file=path / "config.json", value=kind)
    import torch
    from safetensors import SafetensorError
    from transformers import SamModel, SamProcessor

    try:
        processor = SamProcessor.from_pretrained(path, local_files_only=True)
        model, info = SamModel.from_pretrained(
            path, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(f"broken SAM checkpoint: {error}", file=path) from error
    if info["missing_keys"]:  # transformers would go on with random weights
        missing = sorted(info["missing_keys"])
        raise InputError(f"broken SAM checkpoint: {len(missing)} weights are missing, such as {missing[0]}", file=path)
    return model.to(device).eval(), processor


def _model_type(path: Path) -> object:
    if not path.is_dir():
        raise InputError("no such folder", file=path)
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no SAM checkpoint: config.json is missing", file=path) from None
    except (OSError, ValueError) as error:
        raise InputError(f"can't be read: {error}", file=path / "config.json") from None
    return config.get("model_type") if isinstance(config, dict) else None
