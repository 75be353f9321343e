"""The masks of many samples: each image is embedded once for all its boxes, and no mask is made twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from vrft_eval.errors import InputError
from vrft_eval.images import load_image
from vrft_eval.masks.sam import BoxToMask, Choice
from vrft_eval.masks.saved import SavedMasks
from vrft_eval.provenance import model_fingerprint
from vrft_eval.quiet import quiet_transformers
from vrft_eval.rle import encode_rle


@dataclass(frozen=True)
class SamOptions:
    """Which SAM, and how it is asked; see `BoxToMask`. known is the fingerprint of a SAM that is no longer there."""

    path: Path
    device: str = "auto"
    dtype: str = "float32"
    choice: Choice = "single"
    known: str | None = None

    def load(self) -> BoxToMask:
        """The SAM, loaded once. Raises InputError."""
        return _load(self)

    @property
    def fingerprint(self) -> str:
        """What a mask depends on besides the image and the box."""
        return self.known or f"{model_fingerprint(str(self.path))[:16]} {self.dtype} {self.choice}"


@dataclass(frozen=True)
class Asked:
    """A sample's predicted box, xyxy in pixels, of an image of (width, height)."""

    key: str
    image: Path
    size: tuple[int, int]
    box: list[float]


def segment(asked: Iterable[Asked], options: SamOptions, saved: SavedMasks) -> dict[str, dict[str, Any]]:
    """Return the masks by key as COCO RLE; those that are saved aren't made again, new ones are saved at once.

    Raises InputError for an image that can't be read or isn't of the size that it should be.
    """
    found: dict[str, dict[str, Any]] = {}
    missing: dict[Path, list[Asked]] = {}
    for item in asked:
        mask = saved.find(item.key, item.image, item.box)
        if mask is None:
            missing.setdefault(item.image, []).append(item)
        else:
            found[item.key] = mask
    if missing:
        with saved:
            for image, items in missing.items():
                picture = load_image(image)
                if picture.size != items[0].size:
                    raise InputError(f"is of size {picture.size}, its annotations say {items[0].size}", file=image)
                masks = options.load().masks(picture, [item.box for item in items])
                for item, mask in zip(items, masks, strict=True):
                    found[item.key] = encode_rle(mask)
                    saved.add(item.key, image, item.box, found[item.key])
    return found


@lru_cache(maxsize=1)
def _load(options: SamOptions) -> BoxToMask:
    quiet_transformers()
    return BoxToMask(options.path, device=options.device, dtype=options.dtype, choice=options.choice)
