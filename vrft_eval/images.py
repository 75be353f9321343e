"""Opening images that may be broken, huge or absent."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from vrft_eval.errors import InputError
from vrft_eval.tally import Progress as Progress
from vrft_eval.tally import Tally

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
# Headers are small and mostly waited for; more threads than this gain nothing on a local disk.
_THREADS = 16
_ROTATED = (5, 6, 7, 8)
_ORIENTATION = 0x0112

Size = tuple[int, int]


class ImageError(InputError):
    """An image can't be used; `kind` is one of `findings.KINDS`."""

    def __init__(self, message: str, *, file: str | Path, kind: str = "image_unreadable") -> None:
        super().__init__(message, file=file)
        self.kind = kind


@dataclass
class Checked:
    """What opening many images came to: sizes (width, height) of the good ones, and the errors."""

    sizes: dict[Path, Size] = field(default_factory=dict)
    errors: list[ImageError] = field(default_factory=list)


def image_size(path: Path) -> Size:
    """Read (width, height) from an image's header. Raises ImageError when it is absent or not an image."""
    with _no_warning():
        return _size(path)


def load_image(path: Path) -> Image.Image:
    """Decode an image as RGB, in the orientation its annotations use (EXIF rotation is not applied).

    Raises ImageError when it is absent, broken or a decompression bomb.
    """
    with _no_warning():
        return _decode(path)


def embedded_size(data: bytes, name: str) -> tuple[Size, str]:
    """(width, height) and format ("PNG") of an image that lies in a file of many, named for the message.

    Raises ImageError.
    """
    with _no_warning(), _open(io.BytesIO(data), name) as image:
        return _whole_size(image), str(image.format)


def check_images(
    images: Mapping[Path, Size | None], *, full: bool = False, progress: Progress | None = None
) -> Checked:
    """Open images in threads and compare their sizes with those claimed (None: no claim); `full` decodes them.

    Nothing is raised for an image that can't be used: its error is in the result.
    """
    found, tally = Checked(), Tally(len(images))
    with _no_warning(), ThreadPoolExecutor(_THREADS) as pool:
        checks = pool.map(partial(_check, full=full), images.items())
        for path, outcome in zip(images, checks, strict=True):
            if isinstance(outcome, ImageError):
                found.errors.append(outcome)
            else:
                found.sizes[path] = outcome
            tally.add(failed=isinstance(outcome, ImageError))
            if progress is not None:
                progress(tally)
    return found


def _check(item: tuple[Path, Size | None], full: bool) -> Size | ImageError:
    path, claimed = item
    try:
        size = _size(path)
        if claimed is not None and size != claimed:
            raise ImageError(_other_size(path, size, claimed), file=path, kind="image_size")
        if full:
            _decode(path)
    except ImageError as error:
        return error
    return size


def _other_size(path: Path, size: Size, claimed: Size) -> str:
    message = f"is {size[0]}x{size[1]}, its annotations say {claimed[0]}x{claimed[1]}"
    if size == claimed[::-1]:
        with _open(path, path) as image:
            if image.getexif().get(_ORIENTATION) in _ROTATED:
                message += " (as it is after the rotation in its EXIF, which is not applied)"
    return message


def _size(path: Path) -> Size:
    with _open(path, path) as image:
        return _whole_size(image)


def _whole_size(image: Image.Image) -> Size:
    width, height = image.size
    return int(width), int(height)


def _decode(path: Path) -> Image.Image:
    with _open(path, path) as image:
        try:
            converted: Image.Image = image.convert("RGB")
            return converted
        except (OSError, ValueError, SyntaxError) as error:
            raise ImageError(f"broken image: {error}", file=path) from None


@contextmanager
def _no_warning() -> Iterator[None]:
    # Python's warning filters belong to all threads: they are set here, outside of any pool.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _open(source: Path | io.BytesIO, name: str | Path) -> Image.Image:
    try:
        image = Image.open(source)
    except FileNotFoundError:
        raise ImageError("no such image", file=name, kind="image_absent") from None
    except UnidentifiedImageError:
        empty = isinstance(source, Path) and source.stat().st_size == 0
        raise ImageError("the file is empty" if empty else "not an image", file=name) from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"image too large: {error}", file=name, kind="image_too_large") from None
    except (OSError, ValueError, SyntaxError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"broken image: {reason}", file=name) from None
    width, height = image.size
    limit = Image.MAX_IMAGE_PIXELS
    # Pillow only warns between one and two times its limit; such an image is refused as well.
    if limit is not None and width * height > limit:
        image.close()
        message = f"image too large: {width}x{height}, the limit of Pillow is {limit:,} pixels"
        raise ImageError(message, file=name, kind="image_too_large")
    if width < 1 or height < 1:
        image.close()
        raise ImageError(f"broken image: its size is {width}x{height}", file=name)
    return image
