"""Coordinate spaces of boxes, and the conversions between them. A space is always stated, never guessed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from .boxes import as_numbers, short
from .nearest import did_you_mean

__all__ = [
    "SPACES",
    "ImageSize",
    "Space",
    "check_image_size",
    "check_space",
    "from_pixels",
    "rescaled",
    "smart_resize",
    "to_pixels",
]

Space = Literal["norm1000", "norm1", "pixels", "pixels-resized"]
"""0..1000 or 0..1 relative to the image; pixels of the image; pixels of the image as the model saw it."""

SPACES: tuple[Space, ...] = get_args(Space)
ImageSize = tuple[int, int]
"""Width, height."""

FloatArray = npt.NDArray[np.float64]
_MAX_ASPECT_RATIO = 200
_ROUNDING = 4
"""Units in the last place by which two multiplications and two divisions can be off."""


def check_space(space: object, field: str = "space") -> Space:
    """Return a coordinate space, or raise a ValueError that names the field and the choices."""
    for known in SPACES:
        if space == known:
            return known
    near = did_you_mean(space, SPACES)
    raise ValueError(f"{field}: unknown coordinate space {space!r}, expected one of {', '.join(SPACES)}{near}")


def check_image_size(image_size: object, field: str = "image_size") -> ImageSize:
    """Return (width, height) as positive ints, or raise a ValueError that names the field and value."""
    values: list[Any] = list(image_size) if isinstance(image_size, (Sequence, np.ndarray)) else []
    try:
        size = [int(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        size = []
    if len(size) != 2 or size != values or min(size) < 1:
        raise ValueError(f"{field}: expected (width, height), two positive whole numbers, got {image_size!r}")
    return size[0], size[1]


def smart_resize(
    image_size: ImageSize, factor: int = 28, min_pixels: int = 56 * 56, max_pixels: int = 28 * 28 * 1280
) -> ImageSize:
    """Return the (width, height) to which Qwen's image processors resize an image.

    Both sides become multiples of ``factor`` (28 for Qwen2-VL and Qwen2.5-VL, 32 for Qwen3-VL), the
    area lies within [min_pixels, max_pixels] and the aspect ratio is kept as nearly as that allows. The
    defaults are those of the Qwen2-VL processor in transformers.

    Raises ValueError for an aspect ratio above 200, as the processors do.

    >>> smart_resize((640, 480))
    (644, 476)
    """
    width, height = check_image_size(image_size)
    if factor < 1 or not 0 < min_pixels <= max_pixels:
        raise ValueError(f"factor, min_pixels, max_pixels: got {factor}, {min_pixels}, {max_pixels}")
    if max(width, height) / min(width, height) > _MAX_ASPECT_RATIO:
        raise ValueError(f"image_size: the aspect ratio of {width}x{height} is above {_MAX_ASPECT_RATIO}")
    new_width = max(factor, round(width / factor) * factor)
    new_height = max(factor, round(height / factor) * factor)
    if new_width * new_height > max_pixels:
        shrink = math.sqrt(width * height / max_pixels)
        new_width = max(factor, math.floor(width / shrink / factor) * factor)
        new_height = max(factor, math.floor(height / shrink / factor) * factor)
    elif new_width * new_height < min_pixels:
        grow = math.sqrt(min_pixels / (width * height))
        new_width = math.ceil(width * grow / factor) * factor
        new_height = math.ceil(height * grow / factor) * factor
    return new_width, new_height


def space_size(
    space: Space, image_size: ImageSize | None = None, resized_size: ImageSize | None = None
) -> ImageSize | None:
    """Return the (width, height) of the whole image in a space, or None where the size isn't known.

    That of ``pixels-resized`` depends on the model's image processor, so it is ``resized_size`` or not known.
    """
    if space == "norm1000":
        return 1000, 1000
    if space == "norm1":
        return 1, 1
    if space == "pixels-resized":
        return None if resized_size is None else check_image_size(resized_size, "resized_size")
    return None if image_size is None else check_image_size(image_size)


def _scale(space: Space, image_size: ImageSize, resized_size: ImageSize | None) -> FloatArray:
    width, height = check_image_size(image_size)
    size = space_size(check_space(space), (width, height), resized_size)
    if size is None:
        raise ValueError(f"resized_size: needed to convert from or to {space!r} (see smart_resize), got None")
    return np.array([size[0], size[1], size[0], size[1]], dtype=np.float64)


def _numbers(boxes: npt.ArrayLike) -> FloatArray:
    array = as_numbers(boxes)
    if array is None or (array.size and (array.ndim not in (1, 2) or array.shape[-1] != 4)):
        raise ValueError(f"boxes: expected (n, 4) numbers, got {short(boxes)}")
    copied: FloatArray = array.copy()
    return copied


def rescaled(boxes: FloatArray, to: FloatArray, of: FloatArray) -> FloatArray:
    """Return boxes * to / of, exactly where nothing changes and where a whole number comes out but for rounding.

    Boxes are (n, 4); to and of are (4,), or (n, 4) where each box has a frame of its own.
    """
    same = (to == of).all(axis=-1, keepdims=True)
    if same.all():
        return boxes
    scaled: FloatArray = boxes * to / of
    nearest = np.rint(scaled)
    whole = np.abs(scaled - nearest) <= _ROUNDING * np.spacing(np.abs(nearest))
    return np.where(same, boxes, np.where(whole, nearest, scaled))


def _whole(image_size: ImageSize) -> FloatArray:
    width, height = check_image_size(image_size)
    return np.array([width, height, width, height], dtype=np.float64)


def to_pixels(
    boxes: npt.ArrayLike, space: Space, image_size: ImageSize, resized_size: ImageSize | None = None
) -> FloatArray:
    """Convert boxes (n, 4) or (4,) from a space to pixels of the original image, float64.

    ``resized_size`` is the (width, height) that the model saw, as `smart_resize` gives it: needed for
    ``pixels-resized`` and not used otherwise. Raises ValueError where it is missing, and for what isn't boxes.

    >>> to_pixels([[0, 500, 1000, 1000]], "norm1000", (640, 480))
    array([[  0., 240., 640., 480.]])
    """
    array = _numbers(boxes)
    whole, scale = _whole(image_size), _scale(space, image_size, resized_size)
    return rescaled(array, whole, scale)


def from_pixels(
    boxes: npt.ArrayLike, space: Space, image_size: ImageSize, resized_size: ImageSize | None = None
) -> FloatArray:
    """Convert boxes (n, 4) or (4,) from pixels of the original image to a space, float64; see `to_pixels`.

    >>> from_pixels([[0, 240, 640, 480]], "norm1", (640, 480))
    array([[0. , 0.5, 1. , 1. ]])
    """
    array = _numbers(boxes)
    whole, scale = _whole(image_size), _scale(space, image_size, resized_size)
    return rescaled(array, scale, whole)
