"""Images with one description each of one thing in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrft_eval.datasets.presence import Origin

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class GroundedImage:
    """One description of one thing.

    box is in pixels xyxy, None where there is nothing to find; mask and ignore are COCO RLE of the image's size (true
    region, and pixels that count on neither side) or None; polygon is the annotation's first one, whatever its label.
    sentence says whether the text is a whole sentence, None where the data doesn't tell.
    """

    name: str
    path: Path
    size: tuple[int, int]
    text: str
    box: tuple[float, float, float, float] | None
    mask: dict[str, Any] | None = None
    ignore: dict[str, Any] | None = None
    polygon: Polygon | None = None
    sentence: bool | None = None


@dataclass(frozen=True)
class Grounded:
    """Described images in the file's order."""

    file: Path
    images: tuple[GroundedImage, ...]
    origin: Origin
