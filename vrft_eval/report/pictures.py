"""Images of a page: thumbnails inside it as long as there is room, and references to the files for the rest."""

from __future__ import annotations

import base64
import io
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from vrft_eval.errors import InputError
from vrft_eval.images import load_image

ROOM = 4_000_000
"""Characters of all thumbnails of a page that isn't told to hold every image."""
MANY = 1000
"""Images from which the thumbnails of `--embed` are smaller."""
_LARGE, _SMALL = 512, 256
_LOSSLESS = 256
_SHOWN = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"})
"""What every browser shows."""
_ORIENTATION = 0x0112

Picture = str | tuple[str, int] | None
"""A data URI or a relative address, with the orientation that the file claims if it isn't upright; None: not there."""


@dataclass(frozen=True)
class Pictures:
    """How a page gets its images: embed puts all into it; without a folder, that of the page, none is referred to.

    room is how many characters of thumbnails there are before the references; None is `ROOM`.
    """

    folder: Path | None = None
    embed: bool = False
    room: int | None = None

    def of(self, images: Sequence[Path]) -> list[Picture]:
        """Thumbnails of the images, as many as there is room for, then references."""
        longest = _SMALL if self.embed and len(images) > MANY else _LARGE
        found: list[Picture] = []
        room = ROOM if self.room is None else self.room
        for path in images if room or self.embed else ():
            uri = thumbnail(path, longest)
            room -= len(uri or "")
            if room < 0 and not self.embed:
                break
            found.append(uri)
        rest = images[len(found) :]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return [*found, *(None if self.folder is None else _reference(self.folder, path) for path in rest)]


def thumbnail(path: Path, longest: int = _LARGE) -> str | None:
    """An image as a data URI: PNG when it is small, else a JPEG of at most `longest` pixels; None for a broken one."""
    try:
        image = load_image(path)
    except InputError:
        return None
    small = max(image.size) <= _LOSSLESS
    stream = io.BytesIO()
    if small:
        image.save(stream, "PNG", optimize=True)
    else:
        image.thumbnail((longest, longest))
        image.save(stream, "JPEG", quality=80)
    kind = "png" if small else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _reference(folder: Path, path: Path) -> Picture:
    """The way from the page's folder to an image that a browser can show."""
    orientation = _orientation(path) if path.suffix.lower() in _SHOWN else None
    # Only of JPEG do all browsers agree that they turn it.
    if orientation is None or (orientation > 1 and path.suffix.lower() not in (".jpg", ".jpeg")):
        return None
    try:
        address = quote(Path(os.path.relpath(path, folder)).as_posix(), errors="surrogateescape")
    except ValueError:  # another drive
        address = path.absolute().as_uri()
    return address if orientation == 1 else (address, orientation)


def _orientation(path: Path) -> int | None:
    """What EXIF says: browsers turn such an image, and its boxes are those of the unturned one. None: not an image."""
    try:
        with Image.open(path) as image:
            # That of PNG itself would decode the whole image first, in search of EXIF behind the pixels.
            value = Image.Image.getexif(image).get(_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return value if value in range(1, 9) else 1
