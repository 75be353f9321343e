"""SAM, SAM 2 and SAM 3 through transformers, prompted with boxes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from vrft_eval.errors import InputError
from vrft_eval.errors import choice as one_of
from vrft_eval.masks.checkpoint import DTYPES, family_of, find_device, load
from vrft_eval.masks.fill import Masks, checked_boxes

if TYPE_CHECKING:
    from PIL import Image

# Masks are scaled to the image's size as float32 before they become bool: at most 256 MiB of them at a time.
_PIXELS_AT_A_TIME = 2**26

Choice = Literal["single", "best"]
"""The one mask that SAM makes of a box, or of its three the one whose IoU it predicts to be highest."""

CHOICES: tuple[Choice, ...] = get_args(Choice)


class BoxToMask:
    """A SAM checkpoint that is prompted with boxes: SAM, SAM 2 or SAM 3 of any size, by its config.json.

    path: the checkpoint's folder, with the processor's files; device: "auto" (a GPU when there is one) or what
    torch calls it; dtype: of the weights, float32, bfloat16 or float16; choice: `single` takes the model's one
    mask (SAM 2 and 3 fall back to the best of three when it is unstable), `best` the one of three with the
    highest predicted IoU; batch_size: boxes that are decoded at once. Raises ValueError for a folder that is
    missing, broken or no SAM, a device that torch doesn't have, and options out of range.
    """

    def __init__(
        self,
        path: str | Path,
        device: str = "auto",
        batch_size: int = 32,
        dtype: str = "float32",
        choice: Choice = "single",
    ) -> None:
        if batch_size < 1:
            raise InputError("must be at least 1", field="batch_size", value=batch_size)
        for field, value, known in (("dtype", dtype, DTYPES), ("choice", choice, CHOICES)):
            one_of(value, known, field)
        self.path = Path(path)
        self.batch_size = batch_size
        self.choice = choice
        self.family = family_of(self.path)
        self.device = find_device(device)
        self.model, self._processor = load(self.path, self.family, self.device, dtype)

    def masks(self, image: Image.Image, boxes: ArrayLike) -> Masks:
        """One mask per box, (n, height, width) bool; boxes (n, 4), pixels xyxy. The image is embedded once.

        Boxes are clipped to the image first; one without area there gives an empty mask, and where no box has area
        the image isn't embedded at all. Raises ValueError when the boxes aren't (n, 4), and for an image so narrow
        that nothing of it is left at SAM's size.
        """
        import torch

        width, height = image.size
        given = checked_boxes(boxes)
        masks = np.zeros((len(given), height, width), np.bool_)
        finite = np.isfinite(given).all(axis=1, keepdims=True)
        inside = np.clip(np.where(finite, given, 0.0), 0.0, [width, height, width, height])
        asked = np.flatnonzero((inside[:, :2] < inside[:, 2:]).all(axis=1))
        if len(asked) == 0:
            return masks
        self._check_shape(width, height)
        inputs = self._processor(images=image.convert("RGB"), input_boxes=[inside[asked].tolist()], return_tensors="pt")
        # Boxes stay float32: bfloat16 can't tell the pixels of a large image apart.
        prompts = inputs["input_boxes"].to(self.device, torch.float32)
        sizes = [inputs[name] for name in ("original_sizes", "reshaped_input_sizes") if name in inputs]
        step = min(self.batch_size, max(1, _PIXELS_AT_A_TIME // (width * height)))
        with torch.inference_mode():
            pixels = inputs["pixel_values"].to(self.device, self.model.dtype)
            embedding = self.model.get_image_embeddings(pixels)
            for first in range(0, len(asked), step):
                decoded = self.model(
                    image_embeddings=embedding,
                    input_boxes=prompts[:, first : first + step],
                    multimask_output=self.choice == "best",
                )
                full = self._processor.post_process_masks([_chosen(decoded)], *sizes)[0]
                masks[asked[first : first + step]] = full[:, 0].cpu().numpy()
        return masks

    def _check_shape(self, width: int, height: int) -> None:
        longest = self._processor.target_size
        if self.family.keeps_aspect and min(width, height) * longest < max(width, height) / 2:
            raise InputError("image is too narrow for SAM", field="image size", value=f"{width} x {height}")


def _chosen(decoded: Any) -> Any:
    """Of each box's masks the one with the highest predicted IoU: (n, 1, height, width) float32 logits."""
    import torch

    logits, best = decoded.pred_masks[0], decoded.iou_scores[0].argmax(dim=1)
    return logits[torch.arange(len(best), device=logits.device), best][:, None].float()
