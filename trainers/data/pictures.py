"""The bytes of an image as they go into a training set: those of the file, unless its EXIF says to turn it."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from vrft_eval.errors import InputError
from vrft_eval.images import check_images, load_image

_ORIENTATION = 0x0112
ROTATED = "images with a rotation in their EXIF were written as PNG without it: boxes are of the pixels as they lie"


@dataclass(frozen=True)
class Picture:
    """An image file in memory, and its format as a file name ends: jpeg, png, ..."""

    data: bytes
    suffix: str


def check_pictures(sizes: dict[Path, tuple[int, int] | None]) -> dict[Path, tuple[int, int]]:
    """Decode every image and compare its size; returns the sizes (width, height).

    Raises InputError for images that are absent, broken or of another size: the first, and how many more.
    """
    checked = check_images(sizes, full=True)
    if checked.errors:
        first, more = checked.errors[0], len(checked.errors) - 1
        also = f" (and {more:,} more of {len(sizes):,} images can't be used)" if more else ""
        raise InputError(first.detail + also, file=first.file)
    return checked.sizes


def read_picture(path: Path) -> Picture:
    """Read an image file. `datasets` turns what has a rotation in its EXIF, and the harness doesn't: it is dropped.

    Raises InputError.
    """
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            turned = image.getexif().get(_ORIENTATION, 1) != 1
            suffix = str(image.format).lower()
    except OSError as error:
        raise InputError(f"can't be read: {error}", file=path) from None
    if not turned:
        return Picture(data, suffix)
    stream = io.BytesIO()
    load_image(path).save(stream, "PNG")
    return Picture(stream.getvalue(), "png")


def count_rotated(paths: Iterable[Path], counts: Counter[str]) -> None:
    """Count the images whose rotation is dropped."""
    for path in paths:
        with Image.open(path) as image:
            counts[ROTATED] += image.getexif().get(_ORIENTATION, 1) != 1


def digest_of(paths: Iterable[Path]) -> str:
    """SHA-256 over the files' own digests, in their order."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
