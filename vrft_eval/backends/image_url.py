"""An image as a data URL: the file's own bytes where every reader sees the same picture in them, a PNG elsewhere."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import ExifTags, Image

from vrft_eval.errors import InputError
from vrft_eval.images import load_image
from vrft_rewards.coordinates import ImageSize, smart_resize

_AS_IT_IS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_PLAIN_MODES = ("RGB", "L")
_UNTURNED = (None, 0, 1)
_NO_BOUND = 2**62


def image_url(path: Path, min_pixels: int | None = None, max_pixels: int | None = None) -> tuple[str, ImageSize]:
    """The data URL of an image, and the (width, height) that is sent.

    An image outside the bounds is resized to multiples of 28 as Qwen2-VL's processor does; the bounds of the server's
    own processor come after these. Raises InputError for an image that can't be read or resized.
    """
    image = load_image(path)
    size = _within(path, image.size, min_pixels, max_pixels)
    mime = _own_type(path) if size == image.size else None
    if mime is not None:
        return _url(mime, path.read_bytes()), size
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    # Fast rather than small: it is sent once.
    image.save(stream, "PNG", compress_level=1)
    return _url("image/png", stream.getvalue()), size


def _within(path: Path, size: ImageSize, least: int | None, most: int | None) -> ImageSize:
    low, high = least or 1, most or _NO_BOUND
    if low <= size[0] * size[1] <= high:
        return size
    try:
        return smart_resize(size, min_pixels=low, max_pixels=high)
    except ValueError as error:
        raise InputError(str(error), file=path) from None


def _own_type(path: Path) -> str | None:
    """The file's MIME type, or None where readers differ: transparency, palettes, animation, a rotation in its EXIF."""
    with Image.open(path) as image:
        plain = (
            image.mode in _PLAIN_MODES
            and "transparency" not in image.info
            and getattr(image, "n_frames", 1) == 1
            and image.getexif().get(ExifTags.Base.Orientation) in _UNTURNED
        )
        return _AS_IT_IS.get(str(image.format)) if plain else None


def _url(mime: str, data: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
