"""The grounding reward: GIoU of one box and format, and further parts that a profile gives a weight."""

from __future__ import annotations

import numpy.typing as npt

from ..answers.detections import Found, Rules, find_boxes
from ..answers.types import Status
from ..boxes import Corners, giou_of_pair, iou_of_pair
from ..completions import completion_text
from ..coordinates import ImageSize, space_size
from ..profiles import GroundingProfile, Profile, resolve
from ..response import read_answer
from ..truth import TruthLike, grounding_truth, optional_size, resized, truth_boxes, truth_points
from .base import Measured, PartsReward
from .format import format_reward
from .points import l1_part, near_part, points_inside

__all__ = ["GroundingReward"]


class GroundingReward(PartsReward):
    """Reward one box: parts ``giou`` and ``format``.

    ``giou`` lies in [0, 1], with ``giou_scale="shifted"`` (profile ``visual-rft``) in [0, 2]. No box is 0.
    ``iou``, ``point``, ``l1`` and ``structure`` are further parts in [0, 1], there when their weight isn't 0.
    Of several boxes the first counts. Raises ValueError as `DetectionReward`.

    >>> GroundingReward().score("<think>It.</think><answer>(0,0),(500,500)</answer>", [0, 0, 500, 500]).value
    2.0
    """

    def __init__(self, profile: str | Profile | GroundingProfile = "default", **overrides: object) -> None:
        self.profile = resolve(profile, GroundingProfile, overrides)
        p = self.profile
        further = {"iou": p.iou_weight, "point": p.point_weight, "l1": p.l1_weight, "structure": p.structure_weight}
        self.further = tuple(key for key, weight in further.items() if weight)
        self.declare(
            ("giou", p.giou_weight, 0.0, 2.0 if p.giou_scale == "shifted" else 1.0),
            ("format", p.format_weight, 0.0, 1.0),
            *((key, further[key], 0.0, 1.0) for key in self.further),
        )

    def measure(
        self, completion: object, truth: npt.ArrayLike | TruthLike, image_size: ImageSize | None = None
    ) -> Measured:
        """Measure a completion against one true box, four numbers (or one row of four).

        ``truth`` may also be a mapping with ``box`` and, for the point part, ``polygon`` (k, 2) or ``points`` (k, 2).
        Raises ValueError for a bad truth or image size, never for a bad completion.
        """
        p = self.profile
        size = optional_size(image_size)
        shown = resized(p, size)
        given = grounding_truth(truth)
        (true,) = truth_boxes(given["box"], p.space, p.truth_space, size, "truth", shown)
        limits = space_size(p.space, size, shown)
        polygon, targets = (
            truth_points(given.get(key), key, p.space, p.truth_space, size, shown) for key in ("polygon", "points")
        )
        if limits is None and (p.l1_weight or (p.point_weight and targets)):
            raise ValueError(f"image_size: needed to measure distances in {p.space!r}, got None")
        text = completion_text(completion)
        answer, issues = read_answer(text, p.answer)
        found = find_boxes(answer, limits, Rules(p.out_of_range, p.inverted))
        readable = found.status is Status.BOXES
        paid, format_reason = format_reward(text, issues, p.format_rule, readable or not p.format_needs_answer)
        giou, reason = self._giou(found, true)
        further = tuple(self._further(key, found, true, polygon, targets, limits) for key in self.further)
        return (giou, paid, *further), f"{reason}; {format_reason}"

    def _giou(self, found: Found, true: Corners) -> tuple[float, str]:
        if not found.boxes:
            return 0.0, "there is no answer" if found.status is Status.MISSING else "no valid box in the answer"
        giou = giou_of_pair(found.boxes[0], true)
        scale = self.profile.giou_scale
        part = (giou + 1.0) / 2.0 if scale == "unit" else giou + 1.0 if scale == "shifted" else max(0.0, giou)
        several = f" of the first of {len(found.boxes)} boxes" if len(found.boxes) > 1 else ""
        return part, f"GIoU {giou:.2f}{several}"

    def _further(
        self,
        key: str,
        found: Found,
        true: Corners,
        polygon: list[tuple[float, float]] | None,
        targets: list[tuple[float, float]] | None,
        limits: ImageSize | None,
    ) -> float:
        p = self.profile
        if key == "structure":
            return float(bool(found.boxes) and len(found.points) >= len(targets or ()))
        if key == "point" and (p.point_rule == "inside" or not targets):
            return points_inside(found, true, polygon)
        if not found.boxes:
            return 0.0
        box = found.boxes[0]
        if key == "iou":
            iou = iou_of_pair(box, true)
            passed = iou > p.iou_threshold if p.strict else iou >= p.iou_threshold
            return iou if p.iou_rule == "overlap" else float(passed)
        assert limits is not None
        if key == "l1":
            return l1_part(box, true, limits, p)
        return near_part(found.points, box, targets or [], limits, p.point_tolerance)
