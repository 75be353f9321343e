"""Rewards, one module per family."""

from .base import PartsReward, Reward
from .classification import ClassificationReward
from .detection import DetectionReward
from .format import format_reward
from .grounding import GroundingReward
from .shaping import LengthReward, OverlongReward, RepetitionReward
from .weighted import WeightedReward

__all__ = [
    "ClassificationReward",
    "DetectionReward",
    "GroundingReward",
    "LengthReward",
    "OverlongReward",
    "PartsReward",
    "RepetitionReward",
    "Reward",
    "WeightedReward",
    "format_reward",
]
