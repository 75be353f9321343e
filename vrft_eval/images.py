"""Opening images that may be broken, huge or absent."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from vrft_eval.errors import InputError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})


def image_size(path: Path) -> tuple[int, int]:
    """Read (width, height) from an image's header. Raises InputError when it is absent or not an image."""
    with _open(path) as image:
        width, height = image.size
        return int(width), int(height)


def load_image(path: Path) -> Image.Image:
    """Decode an image as RGB, in the orientation its annotations use (EXIF rotation is not applied).

    Raises InputError when it is absent, broken or a decompression bomb.
    """
    with _open(path) as image:
        try:
            converted: Image.Image = image.convert("RGB")
            return converted
        except (OSError, ValueError, SyntaxError) as error:
            raise InputError(f"broken image: {error}", file=path) from None


def _open(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow only warns between one and two times its limit; such an image is refused as well.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path)
    except FileNotFoundError:
        raise InputError("no such image", file=path) from None
    except UnidentifiedImageError:
        raise InputError("not an image", file=path) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"image too large: {error}", file=path) from None
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"broken image: {error}", file=path) from None
