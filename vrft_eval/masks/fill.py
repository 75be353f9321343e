"""Boxes as masks, without a model."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vrft_eval.errors import InputError

Masks = NDArray[np.bool_]


def fill_boxes(boxes: ArrayLike, image_size: tuple[int, int]) -> Masks:
    """Fill boxes (n, 4), pixels xyxy, in an image of (width, height): (n, height, width) bool.

    A pixel belongs to a box when its centre lies in it. A box that is empty or not finite gives an empty mask.
    Raises ValueError when the boxes aren't (n, 4).

    >>> fill_boxes([[0, 1, 2, 2]], (3, 2)).astype(int).tolist()
    [[[0, 0, 0], [1, 1, 0]]]
    """
    width, height = image_size
    x1, y1, x2, y2 = checked_boxes(boxes).T[:, :, None]
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    inside_x, inside_y = (x1 <= x) & (x < x2), (y1 <= y) & (y < y2)
    masks: Masks = inside_y[:, :, None] & inside_x[:, None, :]
    return masks


def checked_boxes(boxes: ArrayLike) -> NDArray[np.float64]:
    """Boxes as (n, 4) float64. Raises InputError when they aren't; nothing at all is (0, 4)."""
    array = np.asarray(boxes, dtype=np.float64)
    if array.size == 0:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise InputError("must be (n, 4), pixels xyxy", field="boxes", value=f"shape {array.shape}")
    return array
