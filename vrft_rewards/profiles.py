"""Named, frozen configurations of the rewards: every difference between profiles is one named field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from .coordinates import Space
from .nearest import closest, did_you_mean

__all__ = [
    "PROFILES",
    "TASKS",
    "ClassificationProfile",
    "DetectionProfile",
    "GroundingProfile",
    "Profile",
    "Task",
    "resolve",
]

Task = Literal["detection", "classification", "grounding"]
TASKS: tuple[Task, ...] = get_args(Task)
FormatRule = Literal["well_formed", "visual-rft"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionProfile:
    """How a detection answer is scored. The defaults are the ``default`` profile."""

    space: Space = "norm1000"
    """Coordinate space of the answer."""
    truth_space: Space | None = None
    """Coordinate space of the truth; None: that of the answer. Another one needs image sizes."""
    resize_factor: int = 28
    """Of the model's image processor, for the space ``pixels-resized``: 28 for Qwen2.5-VL, 32 for Qwen3-VL."""
    min_pixels: int = 56 * 56
    max_pixels: int = 28 * 28 * 1280
    iou_threshold: float = 0.5
    strict: bool = False
    """Whether a hit needs IoU above the threshold (True) or at least the threshold (False)."""
    matching: Literal["greedy", "optimal"] = "greedy"
    iou_denominator: Literal["mean", "larger", "predicted", "fbeta"] = "mean"
    """What the sum of IoUs is divided by, for n boxes and m true ones: (n + m) / 2, max(n, m), n, or
    (n + beta^2 m) / (1 + beta^2)."""
    beta: float = 1.0
    """How many times as much as a wrong box a missed one counts in ``fbeta``, under the root."""
    confidence_rule: Literal["brier", "linear"] = "brier"
    """``brier``: a proper scoring rule; ``linear``: c for a hit, 1 - c otherwise (the paper)."""
    calibration_weight: float = 0.5
    """Share of the Brier part that is paid for the confidence; the rest is paid for the hit."""
    class_aware: bool = True
    """Whether a hit needs the right label too, where the truth has labels."""
    ap_thresholds: Literal["coco", "iou_threshold"] = "coco"
    """IoU thresholds of the ``ap`` part: 0.50:0.05:0.95, or the one above."""
    drop_duplicates: bool = False
    """Whether boxes equal to an earlier one are dropped before anything else."""
    out_of_range: Literal["clip", "reject", "keep"] = "clip"
    inverted: Literal["reject", "swap"] = "reject"
    missing_confidence: float = 1.0
    max_boxes: int = 1000
    answer: Literal["last", "first"] = "last"
    """Which of several answers counts."""
    format_rule: FormatRule = "well_formed"
    format_needs_answer: bool = True
    """Whether the format is paid only when the answer could be read."""
    iou_weight: float = 1.0
    confidence_weight: float = 1.0
    format_weight: float = 1.0
    ap_weight: float = 0.0
    count_weight: float = 0.0
    giou_weight: float = 0.0
    label_weight: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationProfile:
    """How a classification answer is scored. The defaults are the ``default`` profile."""

    label_rule: Literal["matcher", "equal", "containment"] = "matcher"
    """``matcher``: LabelMatcher; ``equal``: the same words; ``containment``: either text holds the other."""
    cutoff: float = 80.0
    margin: float = 5.0
    answer: Literal["last", "first"] = "last"
    format_rule: FormatRule = "well_formed"
    format_needs_answer: bool = True
    accuracy_weight: float = 1.0
    format_weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundingProfile:
    """How a grounding answer is scored. The defaults are the ``default`` profile."""

    space: Space = "norm1000"
    truth_space: Space | None = None
    resize_factor: int = 28
    min_pixels: int = 56 * 56
    max_pixels: int = 28 * 28 * 1280
    giou_scale: Literal["unit", "shifted", "clipped"] = "unit"
    """``unit``: (GIoU + 1) / 2; ``shifted``: GIoU + 1 in [0, 2]; ``clipped``: max(0, GIoU)."""
    out_of_range: Literal["clip", "reject", "keep"] = "clip"
    inverted: Literal["reject", "swap"] = "reject"
    answer: Literal["last", "first"] = "last"
    format_rule: FormatRule = "well_formed"
    format_needs_answer: bool = True
    iou_rule: Literal["overlap", "hit"] = "overlap"
    """The ``iou`` part: the IoU itself, or 1 where it passes ``iou_threshold``."""
    iou_threshold: float = 0.5
    strict: bool = False
    point_rule: Literal["inside", "near"] = "inside"
    """The ``point`` part: the share of points in the true polygon or box, or 1 where all are near the true points
    (``inside`` where the truth has none)."""
    point_tolerance: float = 0.1
    """How near is near, as a share of the image's side."""
    l1_rule: Literal["linear", "hit"] = "linear"
    """The ``l1`` part: falling to 0 at ``l1_tolerance``, or 1 below it."""
    l1_tolerance: float = 0.1
    giou_weight: float = 1.0
    format_weight: float = 1.0
    iou_weight: float = 0.0
    point_weight: float = 0.0
    l1_weight: float = 0.0
    structure_weight: float = 0.0
    """For having a box and as many points as the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One named configuration for the three tasks; where its source has no rule, that of ``default``."""

    name: str
    detection: DetectionProfile
    classification: ClassificationProfile
    grounding: GroundingProfile


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                name="default",
                detection=DetectionProfile(),
                classification=ClassificationProfile(),
                grounding=GroundingProfile(),
            ),
            Profile(
                name="paper",
                detection=DetectionProfile(
                    iou_denominator="predicted",
                    confidence_rule="linear",
                    out_of_range="keep",
                    format_needs_answer=False,
                ),
                classification=ClassificationProfile(label_rule="equal", format_needs_answer=False),
                grounding=GroundingProfile(out_of_range="keep", format_needs_answer=False),
            ),
            Profile(
                name="visual-rft",
                detection=DetectionProfile(
                    strict=True,
                    iou_denominator="larger",
                    confidence_rule="linear",
                    drop_duplicates=True,
                    out_of_range="keep",
                    answer="first",
                    format_rule="visual-rft",
                    format_needs_answer=False,
                ),
                classification=ClassificationProfile(
                    label_rule="containment", answer="first", format_rule="visual-rft", format_needs_answer=False
                ),
                grounding=GroundingProfile(
                    giou_scale="shifted",
                    out_of_range="keep",
                    answer="first",
                    format_rule="visual-rft",
                    format_needs_answer=False,
                ),
            ),
            Profile(
                name="vlm-r1",
                detection=DetectionProfile(iou_weight=0.0, confidence_weight=0.0, ap_weight=1.0, out_of_range="keep"),
                classification=ClassificationProfile(),
                grounding=GroundingProfile(giou_weight=0.0, iou_weight=1.0, out_of_range="keep", answer="first"),
            ),
            Profile(
                name="seg-zero",
                detection=DetectionProfile(),
                classification=ClassificationProfile(),
                grounding=GroundingProfile(
                    giou_weight=0.0,
                    iou_weight=1.0,
                    point_weight=1.0,
                    l1_weight=1.0,
                    structure_weight=1.0,
                    iou_rule="hit",
                    strict=True,
                    point_rule="near",
                    point_tolerance=100 / 840,
                    l1_rule="hit",
                    l1_tolerance=10 / 840,
                    out_of_range="keep",
                    answer="first",
                    format_rule="visual-rft",
                    format_needs_answer=False,
                ),
            ),
        )
    }
)
"""The profiles by name: ``default``, ``paper`` (the equations), ``visual-rft`` (the released code's rule), and those of
``vlm-r1`` (detection, grounding) and ``seg-zero`` (grounding)."""

_Task = TypeVar("_Task", DetectionProfile, ClassificationProfile, GroundingProfile)
_UNIT = frozenset({"iou_threshold", "calibration_weight", "missing_confidence"})
_POSITIVE = frozenset({"point_tolerance", "l1_tolerance"})


def resolve(profile: str | Profile | _Task, kind: type[_Task], overrides: Mapping[str, object]) -> _Task:
    """Return a task's profile by name or as given, with fields replaced.

    Raises ValueError naming an unknown profile, an unknown field (with the nearest names), or a field
    and its value where the value doesn't fit.
    """
    if isinstance(profile, kind):
        base = profile
    else:
        if isinstance(profile, str):
            if profile not in PROFILES:
                known = f"{', '.join(PROFILES)}{did_you_mean(profile, PROFILES)}"
                raise ValueError(f"profile: unknown profile {profile!r}, expected one of {known}")
            profile = PROFILES[profile]
        if not isinstance(profile, Profile):
            raise ValueError(f"profile: expected a name or a {kind.__name__}, got {profile!r:.80}")  # noqa: TRY004
        base = next(
            part for part in (profile.detection, profile.classification, profile.grounding) if isinstance(part, kind)
        )
    names = [item.name for item in fields(kind)]
    for name in overrides:
        if name not in names:
            raise ValueError(f"unknown field {name!r}, did you mean {closest(name, names) or ' or '.join(names)}?")
    checked = replace(base, **overrides)  # type: ignore[arg-type]
    _check(checked)
    if not isinstance(checked, ClassificationProfile) and checked.min_pixels > checked.max_pixels:
        raise ValueError(f"min_pixels: expected at most max_pixels {checked.max_pixels}, got {checked.min_pixels}")
    return checked


def _check(profile: object) -> None:
    for name, hint in get_type_hints(type(profile)).items():
        value = getattr(profile, name)
        if hint is bool:
            fits, wanted = isinstance(value, bool), "True or False"
        elif hint is int:
            fits, wanted = (
                isinstance(value, int) and not isinstance(value, bool) and value >= 1,
                "a whole number of at least 1",
            )
        elif hint is float:
            fits, wanted = _number_fits(name, value)
        else:
            choices = _choices(hint)
            fits, wanted = value in choices, "one of " + ", ".join(map(repr, choices))
        if not fits:
            raise ValueError(f"{name}: expected {wanted}, got {value!r}")


def _number_fits(name: str, value: object) -> tuple[bool, str]:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    high = 1.0 if name in _UNIT else 100.0 if name in ("cutoff", "margin") else math.inf
    if name in _POSITIVE:
        return number and value > 0, "a number above 0"  # type: ignore[operator]
    wanted = "a number of at least 0" if high == math.inf else f"a number in [0, {high:g}]"
    return number and 0 <= value <= high, wanted  # type: ignore[operator]


def _choices(hint: Any) -> tuple[object, ...]:
    if get_origin(hint) is Literal:
        return get_args(hint)
    return tuple(choice for part in get_args(hint) for choice in (_choices(part) or (None,)))
