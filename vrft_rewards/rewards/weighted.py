"""Several rewards as one: a weighted sum whose parts keep their names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..coordinates import ImageSize
from .base import Measured, PartsReward, Reward

__all__ = ["WeightedReward"]


class WeightedReward(PartsReward):
    """Add up rewards of the same truth. Each part is named ``<reward>.<part>``.

    ``rewards`` maps a name to a reward, ``weights`` a name to a weight (1 where there is none), which multiplies those
    of its parts. The bounds are the weighted sums of the rewards' own. Raises ValueError for no rewards, a name that
    is empty or unknown, and a weight that isn't at least 0.

    >>> from vrft_rewards import DetectionReward, OverlongReward
    >>> reward = WeightedReward({"boxes": DetectionReward(), "length": OverlongReward(8, 4)}, {"length": 0.5})
    >>> reward.keys, reward.bounds
    (('boxes.iou', 'boxes.confidence', 'boxes.format', 'length.overlong'), (-0.5, 3.0))
    """

    def __init__(self, rewards: Mapping[str, Reward], weights: Mapping[str, float] | None = None) -> None:
        self.rewards: dict[str, PartsReward] = {}
        given = dict(weights or {})
        if not rewards:
            raise ValueError("rewards: the mapping is empty")
        for name, reward in rewards.items():
            if not name or not isinstance(reward, PartsReward):
                raise ValueError(
                    f"rewards[{name!r}]: expected a name and one of this package's rewards, got {reward!r}"
                )
            self.rewards[name] = reward
        for name, weight in given.items():
            if name not in self.rewards:
                raise ValueError(
                    f"weights[{name!r}]: there is no such reward, expected one of {', '.join(self.rewards)}"
                )
            if (
                isinstance(weight, bool)
                or not isinstance(weight, (int, float))
                or not math.isfinite(weight)
                or weight < 0
            ):
                raise ValueError(f"weights[{name!r}]: expected a number of at least 0, got {weight!r}")
        self.declare(
            *(
                (f"{name}.{key}", given.get(name, 1.0) * weight, low, high)
                for name, reward in self.rewards.items()
                for key, weight, (low, high) in zip(reward.keys, reward.weights, reward.part_bounds, strict=True)
            )
        )

    def measure(self, completion: object, truth: Any, image_size: ImageSize | None = None) -> Measured:
        """Measure a completion with every reward; the reasons are joined."""
        parts: list[float] = []
        reasons: list[str] = []
        for name, reward in self.rewards.items():
            measured, reason = reward.measure(completion, truth, image_size)
            parts += measured
            reasons.append(f"{name}: {reason}")
        return tuple(parts), " | ".join(reasons)
