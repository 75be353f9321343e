"""The grounding reward: GIoU of one box, and format."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..answers.detections import find_boxes
from ..answers.types import Status
from ..boxes import giou_of_pair
from ..completions import completion_text
from ..coordinates import ImageSize, space_size
from ..profiles import GroundingProfile, Profile, resolve
from ..response import parse_response
from ..scores import Score
from ..truth import optional_size, truth_boxes
from .base import Reward
from .format import format_reward

__all__ = ["GroundingReward"]


class GroundingReward(Reward):
    """Reward one box: parts ``giou`` and ``format``.

    ``giou`` lies in [0, 1], with ``giou_scale="shifted"`` (profile ``visual-rft``) in [0, 2]. No box is 0.
    Of several boxes the first counts. Raises ValueError as `DetectionReward`.

    >>> GroundingReward().score("<think>It.</think><answer>(0,0),(500,500)</answer>", [0, 0, 500, 500]).value
    2.0
    """

    keys = ("giou", "format")

    def __init__(self, profile: str | Profile | GroundingProfile = "default", **overrides: object) -> None:
        self.profile = resolve(profile, GroundingProfile, overrides)
        p = self.profile
        self.weights = (p.giou_weight, p.format_weight)
        self.bounds = (0.0, p.giou_weight * (2.0 if p.giou_scale == "shifted" else 1.0) + p.format_weight)

    def score(self, completion: object, truth: npt.ArrayLike, image_size: ImageSize | None = None) -> Score:
        """Score a completion against one true box, four numbers (or one row of four).

        Raises ValueError for a bad truth or image size, never for a bad completion.
        """
        p = self.profile
        size = optional_size(image_size)
        rows = truth_boxes(_one_row(truth), p.space, p.truth_space, size)
        if len(rows) != 1:
            raise ValueError(f"truth: expected one box, four numbers, got {truth!r}")
        text = completion_text(completion)
        response = parse_response(text, p.answer)
        found = find_boxes(response.answer, space_size(p.space, size), p.out_of_range, p.inverted)
        readable = found.status is Status.BOXES
        paid, format_reason = format_reward(text, response, p.format_rule, readable or not p.format_needs_answer)
        if not found.boxes:
            why = "there is no answer" if found.status is Status.MISSING else "no valid box in the answer"
            return self._score((0.0, paid), f"{why}; {format_reason}")
        giou = giou_of_pair(found.boxes[0], rows[0])
        part = {"unit": (giou + 1.0) / 2.0, "shifted": giou + 1.0, "clipped": max(0.0, giou)}[p.giou_scale]
        reason = f"GIoU {giou:.2f}"
        if len(found.boxes) > 1:
            reason += f" of the first of {len(found.boxes)} boxes"
        return self._score((part, paid), f"{reason}; {format_reason}")


def _one_row(truth: npt.ArrayLike) -> npt.ArrayLike:
    try:
        array = np.asarray(truth, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"truth: expected one box, four numbers, got {truth!r}") from None
    return array.reshape(1, -1) if array.ndim == 1 else array
