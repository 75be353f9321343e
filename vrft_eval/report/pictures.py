"""Images and masks as data URIs, small enough to travel inside the page."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vrft_eval.errors import InputError
from vrft_eval.images import load_image
from vrft_eval.rle import decode_rle

_LONGEST = 512
_LOSSLESS = 256


def thumbnail(path: Path) -> str | None:
    """An image as a data URI: PNG when it is small, else a JPEG of at most 512 pixels; None when it can't be read."""
    try:
        image = load_image(path)
    except InputError:
        return None
    small = max(image.size) <= _LOSSLESS
    if not small:
        image.thumbnail((_LONGEST, _LONGEST))
    stream = io.BytesIO()
    if small:
        image.save(stream, "PNG", optimize=True)
    else:
        image.save(stream, "JPEG", quality=80, optimize=True)
    return _uri("image/png" if small else "image/jpeg", stream.getvalue())


def mask_picture(rle: dict[str, Any], colour: tuple[int, int, int]) -> str:
    """A mask as a half-transparent PNG data URI of at most 512 pixels."""
    mask = decode_rle(rle)
    step = max(1, -(-max(mask.shape) // _LONGEST))
    mask = mask[::step, ::step]
    pixels = np.zeros((*mask.shape, 4), dtype=np.uint8)
    pixels[mask] = (*colour, 85)
    stream = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(stream, "PNG", optimize=True)
    return _uri("image/png", stream.getvalue())


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
