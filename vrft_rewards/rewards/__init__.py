"""Rewards, one module per family."""

from .base import Reward
from .classification import ClassificationReward
from .detection import DetectionReward
from .format import format_reward
from .grounding import GroundingReward

__all__ = ["ClassificationReward", "DetectionReward", "GroundingReward", "Reward", "format_reward"]
