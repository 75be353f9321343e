"""Checks of what the user gives: truth and image sizes. Bad ones are ValueErrors that name the field."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .boxes import Corners, as_boxes
from .coordinates import ImageSize, Space, check_image_size, from_pixels, to_pixels

__all__ = ["check_lengths", "truth_boxes"]


def truth_boxes(
    truth: npt.ArrayLike,
    space: Space,
    truth_space: Space | None,
    image_size: ImageSize | None,
    field: str = "truth",
) -> list[Corners]:
    """Return true boxes as tuples in the answer's space.

    Raises ValueError naming the field and the index for truth that isn't (m, 4) finite numbers with the
    second corner right of and below the first, and for a conversion without an image size.
    """
    # A short list of lists of floats is checked faster here than by way of an array.
    array = as_boxes(truth, field)
    if truth_space is not None and truth_space != space and len(array):
        if image_size is None:
            raise ValueError(f"image_size: needed to bring {field} from {truth_space!r} to {space!r}, got None")
        array = from_pixels(to_pixels(array, truth_space, image_size), space, image_size)
    boxes: list[Corners] = [(row[0], row[1], row[2], row[3]) for row in array.tolist()]
    for index, (x1, y1, x2, y2) in enumerate(boxes):
        if not (x1 < x2 and y1 < y2):
            raise ValueError(f"{field}[{index}]: expected x1 < x2 and y1 < y2, got {np.asarray(truth)[index].tolist()}")
    return boxes


def check_lengths(
    completions: Sequence[object], truths: Sequence[object], image_sizes: Sequence[object] | None
) -> None:
    """Raise a ValueError unless there is one truth (and one image size, if any) for each completion."""
    if len(truths) != len(completions):
        raise ValueError(f"truths: expected {len(completions)}, one a completion, got {len(truths)}")
    if image_sizes is not None and len(image_sizes) != len(completions):
        raise ValueError(f"image_sizes: expected {len(completions)}, one a completion, got {len(image_sizes)}")


def optional_size(image_size: ImageSize | None, field: str = "image_size") -> ImageSize | None:
    """Return a checked image size, or None."""
    return None if image_size is None else check_image_size(image_size, field)
