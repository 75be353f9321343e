"""The default profile's reward of many detection answers at once: to the last bit what it is one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vrft_eval.metrics.table import Floats, Ints
from vrft_eval.tasks.detection_reading import BOXES, NO_OBJECTS, ReadAnswers
from vrft_rewards import DetectionProfile, DetectionReward


def is_default(reward: DetectionReward) -> bool:
    """Whether a reward pays by the rules of the default profile, in whatever space."""
    profile = reward.profile
    return profile == replace(DetectionProfile(), space=profile.space, truth_space=profile.truth_space)


def default_parts(read: ReadAnswers, ious: Floats, true_number: Ints, profile: DetectionProfile) -> dict[str, Floats]:
    """The parts of n answers, (n,) each, by the formulas of `DetectionReward`; see docs/rewards.md.

    ious (k,) are those of the k boxes with the true boxes that they are matched to, 0 for none.
    """
    n, m = read.number, true_number
    places = np.arange(len(n))
    whose = np.repeat(places, n)
    nothing = np.array([status == NO_OBJECTS for status in read.statuses], dtype=np.bool_)
    readable = nothing | np.array([status == BOXES for status in read.statuses], dtype=np.bool_)
    without = np.where(nothing & (m == 0), 1.0, 0.0)
    # Sums go box by box in the answers' order, as bincount does: another order would end in other last bits.
    total = np.bincount(whose, ious, len(n))
    weight = np.full(len(n), profile.calibration_weight)
    more = (n > m) & (n > 1)
    weight[more] *= np.maximum(m[more], 1) / n[more]
    begin = np.where(n < m, weight * (m - n), 0.0)
    each, miss = weight[whose], 1.0 - read.scores
    earned = np.where(ious > 0, 1.0 - each * miss * miss, each * (1.0 - read.scores * read.scores))
    paid = np.bincount(np.concatenate([places, whose]), np.concatenate([begin, earned]), len(n))
    some, most = n > 0, np.maximum(np.maximum(n, m), 1)
    return {
        "iou": np.where(some, np.minimum(2.0 * total / np.maximum(n + m, 1), 1.0), without),
        "confidence": np.where(some, np.minimum(paid / most, 1.0), without),
        "format": np.where(readable & np.array(read.well_formed, dtype=np.bool_), 1.0, 0.0),
    }
