"""Box mIoU and accuracy, and gIoU and cIoU of masks by LISA's rule and by that of Visual-RFT's script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from vrft_eval.rle import Mask


@dataclass(frozen=True)
class Overlap:
    """Pixels that a predicted and a true mask share, and pixels of either."""

    intersection: int
    union: int


@dataclass(frozen=True)
class MaskRule:
    """How the overlaps of single images become gIoU and cIoU.

    share_epsilon and total_epsilon are added to the union of one image and of all; `nothing_is_right` gives 1 to
    an image where there is nothing to find and nothing was found.
    """

    share_epsilon: float
    total_epsilon: float
    nothing_is_right: bool

    def share(self, overlap: Overlap) -> float:
        """IoU of one image's masks."""
        if overlap.union == 0 and self.nothing_is_right:
            return 1.0
        return overlap.intersection / (overlap.union + self.share_epsilon)

    def giou(self, overlaps: Sequence[Overlap]) -> float | None:
        """Mean over images of the masks' IoU; None without images."""
        return math.fsum(map(self.share, overlaps)) / len(overlaps) if overlaps else None

    def ciou(self, overlaps: Sequence[Overlap]) -> float | None:
        """All intersections over all unions; None without images."""
        if not overlaps:
            return None
        union = sum(overlap.union for overlap in overlaps)
        return sum(overlap.intersection for overlap in overlaps) / (union + self.total_epsilon)


# LISA (arXiv 2308.00692), validate() of its train_ds.py; Visual-RFT (arXiv 2503.01785), lisa_evaluation/mask_iou.py.
LISA = MaskRule(share_epsilon=1e-5, total_epsilon=1e-10, nothing_is_right=True)
VISUAL_RFT = MaskRule(share_epsilon=1e-6, total_epsilon=1e-6, nothing_is_right=False)


def overlap_of(predicted: Mask | None, truth: Mask, ignore: Mask | None = None) -> Overlap:
    """Count what two masks (height, width) share; no prediction is an empty mask.

    Pixels of `ignore` count on neither side, also where the truth covers them. Raises ValueError when sizes differ.

    >>> truth = np.array([[True, True, False]])
    >>> overlap_of(np.array([[True, False, True]]), truth)
    Overlap(intersection=1, union=3)
    >>> overlap_of(np.array([[True, False, True]]), truth, ignore=np.array([[False, False, True]]))
    Overlap(intersection=1, union=2)
    """
    guess = np.zeros_like(truth) if predicted is None else predicted
    if guess.shape != truth.shape:
        raise ValueError(f"mask of size {guess.shape} predicted for a truth of size {truth.shape}")
    if ignore is not None:
        if ignore.shape != truth.shape:
            raise ValueError(f"ignore region of size {ignore.shape} for a truth of size {truth.shape}")
        guess, truth = guess & ~ignore, truth & ~ignore
    return Overlap(int(np.count_nonzero(guess & truth)), int(np.count_nonzero(guess | truth)))


def polygon_mask(points: Sequence[tuple[float, float]], size: tuple[int, int]) -> Mask:
    """Draw one polygon, pixels (x, y), as Pillow does, its outline included, in an image of (width, height).

    >>> polygon_mask([(0, 0), (2, 0), (2, 1), (0, 1)], (4, 2)).astype(int).tolist()
    [[1, 1, 1, 0], [1, 1, 1, 0]]
    """
    picture = Image.new("1", size)
    ImageDraw.Draw(picture).polygon([(float(x), float(y)) for x, y in points], fill=1, outline=1)
    return np.array(picture, dtype=bool)


def mask_metrics(lisa: Sequence[Overlap], visual_rft: Sequence[Overlap]) -> dict[str, float | None]:
    """Return gIoU and cIoU by LISA's rule, and by Visual-RFT's (on overlaps with its own truth), each named.

    >>> mask_metrics([Overlap(0, 0)], [])
    {'gIoU': 1.0, 'cIoU': 0.0, 'gIoU_visual_rft': None, 'cIoU_visual_rft': None}
    """
    return {
        "gIoU": LISA.giou(lisa),
        "cIoU": LISA.ciou(lisa),
        "gIoU_visual_rft": VISUAL_RFT.giou(visual_rft),
        "cIoU_visual_rft": VISUAL_RFT.ciou(visual_rft),
    }


def box_metrics(ious: Sequence[float], threshold: float = 0.5) -> dict[str, float | None]:
    """mIoU and accuracy at the threshold (IoU >= threshold); a sample without a box has IoU 0.

    >>> box_metrics([1.0, 0.5, 0.0])
    {'mIoU': 0.5, 'Acc50': 0.6666666666666666}
    """
    key = f"Acc{round(threshold * 100)}"
    if not ious:
        return {"mIoU": None, key: None}
    return {"mIoU": math.fsum(ious) / len(ious), key: sum(iou >= threshold for iou in ious) / len(ious)}
