"""Checks of what the user gives: truth and image sizes. Bad ones are ValueErrors that name the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .boxes import MAX_COORDINATE, Corners, as_boxes, as_numbers, short
from .coordinates import ImageSize, Space, check_image_size, from_pixels, smart_resize, to_pixels
from .profiles import DetectionProfile, GroundingProfile

__all__ = [
    "TruthLike",
    "check_lengths",
    "grounding_truth",
    "optional_size",
    "resized",
    "truth_boxes",
    "truth_points",
    "truth_with_labels",
]

TruthLike = Mapping[str, Any]
"""A truth with more to it than boxes, by name."""


_NUMBERS = frozenset({int, float})


def _plain_boxes(truth: list[Any]) -> list[Corners] | None:
    """Return a list of lists of four good numbers as tuples, None for anything else: faster than by way of an array."""
    boxes: list[Corners] = []
    for row in truth:
        if type(row) is not list or len(row) != 4:
            return None
        x1, y1, x2, y2 = row
        if not (type(x1) in _NUMBERS and type(y1) in _NUMBERS and type(x2) in _NUMBERS and type(y2) in _NUMBERS):
            return None
        if not (-MAX_COORDINATE <= x1 < x2 <= MAX_COORDINATE and -MAX_COORDINATE <= y1 < y2 <= MAX_COORDINATE):
            return None
        boxes.append((float(x1), float(y1), float(x2), float(y2)))
    return boxes


def truth_boxes(
    truth: npt.ArrayLike,
    space: Space,
    truth_space: Space | None,
    image_size: ImageSize | None,
    field: str = "truth",
    resized_size: ImageSize | None = None,
) -> list[Corners]:
    """Return true boxes as tuples in the answer's space.

    Raises ValueError naming the field and the index for truth that isn't (m, 4) finite numbers with the
    second corner right of and below the first, and for a conversion without an image size.
    """
    if isinstance(truth, list) and (truth_space is None or truth_space == space):
        plain = _plain_boxes(truth)
        if plain is not None:
            return plain
    array = as_boxes(truth, field)
    if truth_space is not None and truth_space != space and len(array):
        if image_size is None:
            raise ValueError(f"image_size: needed to bring {field} from {truth_space!r} to {space!r}, got None")
        array = from_pixels(to_pixels(array, truth_space, image_size, resized_size), space, image_size, resized_size)
    boxes: list[Corners] = [(row[0], row[1], row[2], row[3]) for row in array.tolist()]
    for index, (x1, y1, x2, y2) in enumerate(boxes):
        if not (x1 < x2 and y1 < y2):
            raise ValueError(f"{field}[{index}]: expected x1 < x2 and y1 < y2, got {np.asarray(truth)[index].tolist()}")
    return boxes


def grounding_truth(truth: npt.ArrayLike | TruthLike) -> dict[str, Any]:
    """Return a grounding truth as a mapping, its ``box`` as one row of four numbers. Raises ValueError for another."""
    given: dict[str, Any] = dict(truth) if isinstance(truth, Mapping) else {"box": truth}
    box = _truth_part(given, "box", ("box", "polygon", "points"))
    array = as_numbers(box)
    if array is None or array.size != 4 or array.ndim not in (1, 2) or array.shape[-1] != 4:
        raise ValueError(f"truth: expected one box, four numbers, got {short(box)}")
    return given | {"box": array.reshape(1, 4)}


def _truth_part(truth: TruthLike, key: str, known: Sequence[str]) -> Any:
    """Return one entry of a truth that is a mapping. Raises ValueError when it is missing, or another one unknown."""
    if key not in truth or not set(truth) <= set(known):
        raise ValueError(
            f"truth: expected {key!r}, of {', '.join(known)}, got {', '.join(map(str, truth)) or 'nothing'}"
        )
    return truth[key]


def truth_with_labels(truth: TruthLike) -> tuple[Any, tuple[str, ...]]:
    """Return the boxes and the labels of ``{"boxes": [...], "labels": [...]}``. Raises ValueError for another shape."""
    boxes, labels = (_truth_part(truth, key, ("boxes", "labels")) for key in ("boxes", "labels"))
    if not isinstance(boxes, (Sequence, np.ndarray)):
        raise ValueError(f"truth boxes: expected (m, 4) numbers, got {boxes!r}")  # noqa: TRY004
    labels = labels.tolist() if isinstance(labels, np.ndarray) else labels
    if isinstance(labels, str) or not isinstance(labels, Sequence) or len(labels) != len(boxes):
        raise ValueError(f"truth labels: expected a list of {len(boxes)} labels, one a box, got {labels!r}")
    for index, label in enumerate(labels):
        if not isinstance(label, str) or not label.strip():
            raise ValueError(f"truth labels[{index}]: expected a name, got {label!r}")
    return boxes, tuple(labels)


def truth_points(
    points: Any,
    key: str,
    space: Space,
    truth_space: Space | None,
    image_size: ImageSize | None,
    resized_size: ImageSize | None = None,
) -> list[tuple[float, float]] | None:
    """Return true points (k, 2) in the answer's space, None for None. Raises ValueError as `truth_boxes`."""
    if points is None:
        return None
    array = as_numbers(points)
    least = 3 if key == "polygon" else 1
    if array is None or array.ndim != 2 or array.shape[1] != 2 or len(array) < least:
        raise ValueError(f"truth {key}: expected (k, 2) numbers, k at least {least}, got {points!r}")
    finite = (np.abs(array) <= MAX_COORDINATE).all(axis=1)
    if not finite.all():
        index = int(np.argmin(finite))
        raise ValueError(
            f"truth {key}[{index}]: expected finite numbers up to {MAX_COORDINATE:g}, got {array[index].tolist()}"
        )
    if key == "polygon":
        from .polygons import as_polygons

        as_polygons([array], f"truth {key}")
    doubled = np.concatenate([array, array], axis=1)
    if truth_space is not None and truth_space != space:
        if image_size is None:
            raise ValueError(f"image_size: needed to bring truth from {truth_space!r} to {space!r}, got None")
        pixels = to_pixels(doubled, truth_space, image_size, resized_size)
        doubled = from_pixels(pixels, space, image_size, resized_size)
    return [(row[0], row[1]) for row in doubled.tolist()]


def check_lengths(
    completions: Sequence[object], truths: Sequence[object], image_sizes: Sequence[object] | None
) -> None:
    """Raise a ValueError unless there is one truth (and one image size, if any) for each completion."""
    for field, values in (("completions", completions), ("truths", truths), ("image_sizes", image_sizes)):
        listed = (
            hasattr(values, "__len__") and hasattr(values, "__getitem__") and not isinstance(values, (str, Mapping))
        )
        if not (listed or (values is None and field == "image_sizes")):
            raise ValueError(f"{field}: expected a list, one a completion, got {short(values)}")
    if len(truths) != len(completions):
        raise ValueError(f"truths: expected {len(completions)}, one a completion, got {len(truths)}")
    if image_sizes is not None and len(image_sizes) != len(completions):
        raise ValueError(f"image_sizes: expected {len(completions)}, one a completion, got {len(image_sizes)}")


def optional_size(image_size: ImageSize | None, field: str = "image_size") -> ImageSize | None:
    """Return a checked image size, or None."""
    return None if image_size is None else check_image_size(image_size, field)


def resized(profile: DetectionProfile | GroundingProfile, image_size: ImageSize | None) -> ImageSize | None:
    """Return the size to which the model's processor resizes an image, None where no space needs it.

    Raises ValueError for an aspect ratio that the processors refuse.
    """
    if image_size is None or "pixels-resized" not in (profile.space, profile.truth_space):
        return None
    return smart_resize(image_size, profile.resize_factor, profile.min_pixels, profile.max_pixels)
