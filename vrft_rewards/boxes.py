"""Geometry of axis-aligned boxes, x1, y1, x2, y2, on (n, 4) arrays in float64."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["as_boxes", "box_area", "box_ciou", "box_diou", "box_giou", "box_iou", "valid_boxes"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Corners = tuple[float, float, float, float]

MAX_COORDINATE = 1e9
"""Beyond this, areas lose their meaning in float64; boxes that reach further are refused."""


def as_boxes(boxes: npt.ArrayLike, field: str = "boxes") -> FloatArray:
    """Return boxes as an (n, 4) float64 array; anything empty is (0, 4).

    Raises ValueError naming the field (and the index of the first bad row) for another shape, for
    values that aren't finite numbers (text and truth values aren't), and for absurdly large ones.
    """
    array = as_numbers(boxes)
    if array is not None and array.size == 0 and array.ndim in (1, 2) and array.shape[-1] in (0, 4):
        return array.reshape(0, 4)
    if array is None or array.ndim != 2 or array.shape[1] != 4:
        for index, row in enumerate(boxes if isinstance(boxes, (list, tuple)) else ()):
            numbers = as_numbers(row)
            if numbers is None or numbers.shape != (4,):
                raise ValueError(f"{field}[{index}]: expected four numbers, got {short(row)}")
        raise ValueError(f"{field}: expected (n, 4) numbers, got {short(boxes)}")
    bad = ~(np.abs(array) <= MAX_COORDINATE).all(axis=1)
    if bad.any():
        index = int(np.argmax(bad))
        raise ValueError(
            f"{field}[{index}]: expected finite numbers up to {MAX_COORDINATE:g}, got {array[index].tolist()}"
        )
    return array


def as_numbers(value: object) -> FloatArray | None:
    """Return what holds only numbers as a float64 array of its own shape, None for anything else."""
    try:
        array = np.asarray(value)
        # Of other things (None, Decimal) an array of objects is made, of which text would become numbers too.
        if array.dtype.kind not in "iufO" or any(isinstance(item, (str, bytes)) for item in _objects(array)):
            return None
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def _objects(array: npt.NDArray[Any]) -> Iterable[object]:
    return array.flat if array.dtype.kind == "O" else ()


def short(value: object) -> str:
    """Return a value as an error message shows it."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def valid_boxes(boxes: npt.ArrayLike) -> BoolArray:
    """Return (n,) bool: finite, and the second corner right of and below the first."""
    array = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    finite = np.isfinite(array).all(axis=1)
    valid: BoolArray = finite & (array[:, 2] > array[:, 0]) & (array[:, 3] > array[:, 1])
    return valid


def box_area(boxes: npt.ArrayLike) -> FloatArray:
    """Return the (n,) areas; an inverted box has none."""
    array = as_boxes(boxes)
    return _area(array)


def _area(array: FloatArray) -> FloatArray:
    area: FloatArray = np.maximum(array[:, 2] - array[:, 0], 0.0) * np.maximum(array[:, 3] - array[:, 1], 0.0)
    return area


def _intersection_union(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    intersection: FloatArray = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    union: FloatArray = _area(a)[:, None] + _area(b)[None, :] - intersection
    return intersection, union


def box_iou(a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    """Return the (n, m) intersection over union of boxes (n, 4) and (m, 4), in [0, 1].

    Two boxes without area have IoU 0. Raises ValueError for other shapes or values that aren't finite.

    >>> box_iou([[0, 0, 10, 10]], [[0, 0, 10, 10], [5, 0, 15, 10]]).round(4)
    array([[1.    , 0.3333]])
    """
    return pairwise_iou(as_boxes(a, "a"), as_boxes(b, "b"))


def pairwise_iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return what `box_iou` does, of arrays that are known to be boxes."""
    intersection, union = _intersection_union(a, b)
    iou: FloatArray = np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
    capped: FloatArray = np.minimum(iou, 1.0)
    return capped


def box_giou(a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    """Return the (n, m) generalised IoU in [-1, 1]: IoU minus the hull's share outside the union.

    Rezatofighi et al., arXiv 1902.09630. Raises ValueError as `box_iou`.

    >>> box_giou([[0, 0, 10, 10]], [[0, 0, 10, 10], [20, 0, 30, 10]]).round(4)
    array([[ 1.    , -0.3333]])
    """
    a, b = as_boxes(a, "a"), as_boxes(b, "b")
    intersection, union = _intersection_union(a, b)
    width = np.maximum(a[:, None, 2], b[None, :, 2]) - np.minimum(a[:, None, 0], b[None, :, 0])
    height = np.maximum(a[:, None, 3], b[None, :, 3]) - np.minimum(a[:, None, 1], b[None, :, 1])
    hull = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    iou = np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
    gap = np.divide(hull - union, hull, out=np.zeros_like(hull), where=hull > 0)
    giou: FloatArray = np.clip(iou - gap, -1.0, 1.0)
    return giou


def box_diou(a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    """Return the (n, m) distance IoU of boxes (n, 4) and (m, 4), in [-1, 1].

    DIoU = IoU - d^2 / c^2, where d is the distance of the centres and c the diagonal of the smallest box that
    holds both (Zheng et al. 2020, arXiv 1911.08287).

    >>> box_diou([[0, 0, 3, 4]], [[3, 0, 6, 4]]).round(4)
    array([[-0.1731]])
    """
    first, second = as_boxes(a, "a"), as_boxes(b, "b")
    return _diou(first, second, pairwise_iou(first, second))


def box_ciou(a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    """Return the (n, m) complete IoU of boxes (n, 4) and (m, 4), at most 1 and above -2.

    CIoU = DIoU - v^2 / (1 - IoU + v) with v = 4 / pi^2 * (atan(w_a / h_a) - atan(w_b / h_b))^2, the difference of the
    aspect ratios (Zheng et al. 2020, arXiv 1911.08287).
    """
    first, second = as_boxes(a, "a"), as_boxes(b, "b")
    iou = pairwise_iou(first, second)
    angle_a, angle_b = (np.arctan2(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) for box in (first, second))
    v = 4.0 / math.pi**2 * (angle_a[:, None] - angle_b[None, :]) ** 2
    weighted = np.divide(v * v, 1.0 - iou + v, out=np.zeros_like(v), where=v > 0)
    ciou: FloatArray = _diou(first, second, iou) - weighted
    return ciou


def _diou(a: FloatArray, b: FloatArray, iou: FloatArray) -> FloatArray:
    # Twice the distance of the centres, against twice the diagonal: no halves to round.
    apart = (a[:, None, :2] + a[:, None, 2:]) - (b[None, :, :2] + b[None, :, 2:])
    hull = np.maximum(a[:, None, 2:], b[None, :, 2:]) - np.minimum(a[:, None, :2], b[None, :, :2])
    distance, diagonal = (apart**2).sum(axis=2), 4.0 * (hull**2).sum(axis=2)
    gap = np.divide(distance, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)
    diou: FloatArray = np.clip(iou - gap, -1.0, 1.0)
    return diou


def iou_of_pair(a: Corners, b: Corners) -> float:
    """Return the IoU of two boxes: the arithmetic of `box_iou` to the last bit, without an array."""
    width = (a[2] if a[2] < b[2] else b[2]) - (a[0] if a[0] > b[0] else b[0])
    if width <= 0:
        return 0.0
    height = (a[3] if a[3] < b[3] else b[3]) - (a[1] if a[1] > b[1] else b[1])
    if height <= 0:
        return 0.0
    intersection = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - intersection
    if union <= 0:
        return 0.0
    iou = intersection / union
    return iou if iou < 1.0 else 1.0


# Below this many pairs plain Python is faster than NumPy's overhead.
_SMALL = 64


def iou_rows(a: Sequence[Corners], b: Sequence[Corners]) -> list[list[float]]:
    """Return the IoU of every pair of valid boxes as rows of floats, by the faster of the two ways."""
    if len(a) * len(b) <= _SMALL:
        return [[iou_of_pair(first, second) for second in b] for first in a]
    rows: list[list[float]] = pairwise_iou(np.array(a, dtype=np.float64), np.array(b, dtype=np.float64)).tolist()
    return rows


def giou_of_pair(a: Corners, b: Corners) -> float:
    """Return the generalised IoU of two valid boxes, in [-1, 1]: the arithmetic of `box_giou`."""
    width = max(min(a[2], b[2]) - max(a[0], b[0]), 0.0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), 0.0)
    intersection = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - intersection
    hull = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    iou = intersection / union if union > 0 else 0.0
    gap = (hull - union) / hull if hull > 0 else 0.0
    return min(max(iou - gap, -1.0), 1.0)
