"""Drawing a polygon into a mask, pixel for pixel as LISA (arXiv 2308.00692) does with OpenCV."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vrft_eval.rle import Mask


def draw_polygon(points: Sequence[tuple[float, float]], size: tuple[int, int]) -> Mask:
    """Draw a polygon (x, y in pixels), outline and inside by the even-odd rule, in an image of (width, height).

    The coordinates are truncated to whole pixels first. The result equals that of OpenCV's `polylines` and `fillPoly`
    for polygons inside the image; what lies outside is cut off.

    >>> draw_polygon([(0, 0), (2, 0), (2, 2)], (4, 3)).astype(int).tolist()
    [[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0]]
    """
    width, height = size
    mask = np.zeros((height, width), dtype=bool)
    crossings = np.zeros((height, width + 1), dtype=bool)
    corners = np.trunc(np.asarray(points, dtype=np.float64)).astype(np.int64)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        _draw_line(mask, start, end)
        _mark_crossings(crossings, start, end)
    mask |= np.logical_xor.accumulate(crossings[:, :-1], axis=1)
    return mask


def _draw_line(mask: Mask, start: NDArray[np.int64], end: NDArray[np.int64]) -> None:
    """Bresenham's line, from left to right, half a step rounded down."""
    if start[0] > end[0]:
        start, end = end, start
    dx, dy = (int(value) for value in end - start)
    longer, shorter = max(dx, abs(dy)), min(dx, abs(dy))
    along = np.arange(longer + 1)
    across = (2 * along * shorter + longer - 1) // (2 * longer) if longer else along
    steps = (along, across) if dx >= abs(dy) else (across, along)
    x, y = start[0] + steps[0], start[1] + np.sign(dy) * steps[1]
    inside = (x >= 0) & (x < mask.shape[1]) & (y >= 0) & (y < mask.shape[0])
    mask[y[inside], x[inside]] = True


def _mark_crossings(crossings: Mask, start: NDArray[np.int64], end: NDArray[np.int64]) -> None:
    """Mark, in each row that an edge crosses, the first pixel that isn't left of it."""
    if start[1] > end[1]:
        start, end = end, start
    y = np.arange(max(int(start[1]), 0), min(int(end[1]), crossings.shape[0]))
    if len(y):
        x = start[0] + (y - start[1]) * (end[0] - start[0]) / (end[1] - start[1])
        columns = np.clip(np.ceil(x), 0, crossings.shape[1] - 1).astype(np.int64)
        crossings[y, columns] ^= True
