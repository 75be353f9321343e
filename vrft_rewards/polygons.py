"""Polygons and rotated boxes: IoU, and which points lie inside. Needs shapely, imported when first used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .boxes import MAX_COORDINATE

__all__ = ["points_in_polygon", "polygon_iou", "rotated_box_corners", "rotated_box_iou"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def polygon_iou(a: Sequence[npt.ArrayLike], b: Sequence[npt.ArrayLike]) -> FloatArray:
    """Return the (n, m) IoU of n and m polygons, each (k, 2) corners with k >= 3, k free to differ.

    The area is that of the region a polygon encloses; one that crosses itself encloses each of its lobes.
    Raises ValueError naming the polygon that isn't (k, 2) finite numbers or has no area.

    >>> polygon_iou([[(0, 0), (2, 0), (2, 2), (0, 2)]], [[(0, 0), (2, 0), (0, 2)]])
    array([[0.5]])
    """
    return _iou(as_polygons(a, "a"), as_polygons(b, "b"))


def rotated_box_iou(a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    """Return the (n, m) IoU of rotated boxes (n, 5) and (m, 5): centre x, y, width, height, angle in degrees.

    Raises ValueError as `rotated_box_corners`.

    >>> rotated_box_iou([[0, 0, 4, 2, 0]], [[0, 0, 4, 2, 90]]).round(6)
    array([[0.333333]])
    """
    first, second = rotated_box_corners(a, "a"), rotated_box_corners(b, "b")
    return _iou(as_polygons(list(first), "a"), as_polygons(list(second), "b"))


def rotated_box_corners(boxes: npt.ArrayLike, field: str = "boxes") -> FloatArray:
    """Return the (n, 4, 2) corners of rotated boxes (n, 5): centre x, y, width, height, angle in degrees.

    The angle turns the x axis towards the y axis: clockwise on an image, whose y axis points down. Raises
    ValueError naming the field and the index for another shape, values that are not finite, and sides not above 0.
    """
    try:
        array = np.asarray(boxes, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{field}: expected (n, 5) numbers: centre x, y, width, height, degrees") from None
    if array.size == 0:
        return np.zeros((0, 4, 2))
    if array.ndim != 2 or array.shape[1] != 5:
        raise ValueError(f"{field}: expected shape (n, 5), got shape {array.shape}")
    good = (np.abs(array) <= MAX_COORDINATE).all(axis=1) & (array[:, 2] > 0) & (array[:, 3] > 0)
    if not good.all():
        index = int(np.argmin(good))
        raise ValueError(f"{field}[{index}]: expected finite numbers and positive sides, got {array[index].tolist()}")
    turn = np.deg2rad(array[:, 4])
    along = np.stack([np.cos(turn), np.sin(turn)], axis=1) * array[:, 2:3] / 2
    across = np.stack([-np.sin(turn), np.cos(turn)], axis=1) * array[:, 3:4] / 2
    centre = array[:, :2]
    corners: FloatArray = np.stack(
        [centre - along - across, centre + along - across, centre + along + across, centre - along + across], axis=1
    )
    return corners


def points_in_polygon(points: npt.ArrayLike, polygon: npt.ArrayLike) -> BoolArray:
    """Return (n,) bool, which of the points (n, 2) lie inside a polygon (k, 2) or on its edge.

    Raises ValueError as `polygon_iou`, and for points that aren't (n, 2).

    >>> points_in_polygon([[1, 1], [3, 3], [0, 0]], [(0, 0), (2, 0), (2, 2), (0, 2)])
    array([ True, False,  True])
    """
    import shapely

    array = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    inside: BoolArray = shapely.intersects_xy(as_polygons([polygon], "polygon")[0], array[:, 0], array[:, 1])
    return inside


def as_polygons(polygons: Sequence[npt.ArrayLike], field: str) -> Any:
    """Return polygons as an array of shapely's. Raises ValueError naming the one that is none, or has no area."""
    import shapely

    shapes = []
    for index, polygon in enumerate(polygons):
        try:
            corners = np.asarray(polygon, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            corners = np.zeros(0)
        finite = bool((np.abs(corners) <= MAX_COORDINATE).all())
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or not finite:
            raise ValueError(f"{field}[{index}]: expected (k, 2) finite numbers, at least 3 corners")
        shape = shapely.make_valid(shapely.polygons(corners))
        if not shapely.area(shape) > 0:
            raise ValueError(f"{field}[{index}]: the polygon has no area")
        shapes.append(shape)
    return np.array(shapes, dtype=object)


def _iou(a: Any, b: Any) -> FloatArray:
    import shapely

    iou = np.zeros((len(a), len(b)))
    if not iou.size:
        return iou
    # Only pairs that touch are cut; for the rest the index of bounding boxes is enough.
    rows, columns = shapely.STRtree(b).query(a, predicate="intersects")
    if len(rows):
        intersection = shapely.area(shapely.intersection(a[rows], b[columns]))
        union = shapely.area(a)[rows] + shapely.area(b)[columns] - intersection
        iou[rows, columns] = np.clip(intersection / union, 0.0, 1.0)
    return iou
