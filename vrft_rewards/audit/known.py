"""What the rules of the faithful profiles pay for, and can't help paying for."""

from __future__ import annotations

from collections.abc import Mapping

from .types import Known, Task

__all__ = ["KNOWN"]

_LINEAR = "the rule pays 1 - c for a box that isn't matched, so a wrong box of confidence 0 has full confidence reward"
_PREDICTED = "the rule divides by the boxes given: objects that are missed cost nothing"
_LARGER = "missed objects cost IoU, but the confidence reward divides by the boxes given"
_CONTAINS = "the rule is containment either way"

KNOWN: Mapping[tuple[str, Task], Known] = {
    ("paper", "detection"): {"wrong-at-zero": _LINEAR, "box-spam": _LINEAR, "one-safe-box": _PREDICTED},
    ("visual-rft", "detection"): {
        "wrong-at-zero": _LINEAR,
        "box-spam": _LINEAR,
        "padding": _LINEAR,
        "one-safe-box": _LARGER,
    },
    ("visual-rft", "classification"): dict.fromkeys(
        ("one-letter", "all-labels", "two-labels", "part-of-label", "negated", "number-match"), _CONTAINS
    ),
}
"""(profile, task) -> probe -> why."""
