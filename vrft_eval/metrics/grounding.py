"""Box mIoU, and gIoU and cIoU of masks by LISA's rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vrft_eval.rle import Mask


@dataclass
class GroundingMetrics:
    """Intersections and unions of masks, added up one image at a time so that no mask is kept."""

    shares: list[float]
    intersection: int = 0
    union: int = 0

    @classmethod
    def empty(cls) -> GroundingMetrics:
        """Nothing added yet."""
        return cls([])

    def add(self, predicted: Mask | None, truth: Mask) -> None:
        """Add one image; a missing prediction is an empty mask. Raises ValueError when the sizes differ."""
        guess = np.zeros_like(truth) if predicted is None else predicted
        if guess.shape != truth.shape:
            raise ValueError(f"mask of size {guess.shape} predicted for a truth of size {truth.shape}")
        intersection, union = int((guess & truth).sum()), int((guess | truth).sum())
        # LISA, utils of the released code: I / (U + 1e-5), and 1 for an image with nothing to find and nothing found.
        self.shares.append(intersection / (union + 1e-5) if union else 1.0)
        self.intersection += intersection
        self.union += union

    @property
    def giou(self) -> float | None:
        """Mean over images of intersection over union; None without images."""
        return math.fsum(self.shares) / len(self.shares) if self.shares else None

    @property
    def ciou(self) -> float | None:
        """All intersections over all unions; None without images."""
        return self.intersection / (self.union + 1e-10) if self.shares else None


def grounding_metrics(ious: Sequence[float], threshold: float = 0.5) -> dict[str, float | None]:
    """mIoU and accuracy at the threshold (IoU >= threshold); a sample without a box has IoU 0.

    >>> grounding_metrics([1.0, 0.5, 0.0])
    {'mIoU': 0.5, 'Acc50': 0.6666666666666666}
    """
    key = f"Acc{round(threshold * 100)}"
    if not ious:
        return {"mIoU": None, key: None}
    return {"mIoU": math.fsum(ious) / len(ious), key: sum(iou >= threshold for iou in ious) / len(ious)}
