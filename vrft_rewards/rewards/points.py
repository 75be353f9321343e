"""What points and corners earn by their distance, or by where they lie."""

from __future__ import annotations

import math
from itertools import permutations

from ..answers.detections import Found
from ..boxes import Corners
from ..coordinates import ImageSize
from ..profiles import GroundingProfile

__all__ = ["l1_part", "near_part", "points_inside"]

Points = list[tuple[float, float]]
_MAX_POINTS = 6
"""Points that are assigned to one another in every order; a truth with more is compared in the order given."""


def points_inside(found: Found, true: Corners, polygon: Points | None) -> float:
    """Return the share of an answer's points that lie in the true polygon, or in the true box if there is none.

    An answer without points is asked for the centre of its first box.
    """
    points = found.points
    if not points:
        if not found.boxes:
            return 0.0
        x1, y1, x2, y2 = found.boxes[0]
        points = [((x1 + x2) / 2, (y1 + y2) / 2)]
    if polygon is None:
        inside = sum(_in_box(point, true) for point in points)
    else:
        from ..polygons import points_in_polygon

        inside = int(points_in_polygon(points, polygon).sum())
    return inside / len(points)


def l1_part(box: Corners, true: Corners, limits: ImageSize, p: GroundingProfile) -> float:
    """Return what the mean distance of the four coordinates earns, as a share of the image's side.

    ``linear``: 1 - distance / tolerance, at least 0. ``hit``: 1 below the tolerance (Seg-Zero, arXiv 2503.06520).
    """
    width, height = limits
    distance = (abs(box[0] - true[0]) + abs(box[2] - true[2])) / width
    distance = (distance + (abs(box[1] - true[1]) + abs(box[3] - true[3])) / height) / 4
    if p.l1_rule == "hit":
        return float(distance < p.l1_tolerance)
    return max(0.0, 1.0 - distance / p.l1_tolerance)


def near_part(points: Points, box: Corners, targets: Points, limits: ImageSize, tolerance: float) -> float:
    """Return 1.0 if points lie in the answer's own box and near the true ones, else 0.0.

    As many points as there are true ones count, the first of the answer. Near: their mean distance, in the order that
    suits best and as a share of the image's sides, is below ``tolerance`` (Seg-Zero, arXiv 2503.06520).
    """
    chosen = points[: len(targets)]
    if len(chosen) < len(targets) or not all(_in_box(point, box) for point in chosen):
        return 0.0
    width, height = limits
    orders = permutations(targets) if len(targets) <= _MAX_POINTS else iter([tuple(targets)])
    nearest = min(
        sum(math.hypot((x - u) / width, (y - v) / height) for (x, y), (u, v) in zip(chosen, order, strict=True))
        for order in orders
    )
    return float(nearest / len(targets) < tolerance)


def _in_box(point: tuple[float, float], box: Corners) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]
