"""What every loader yields and every task scores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Kind = Literal["detection", "classification", "grounding"]
Boxes = NDArray[np.float64]
_LITTLE_ENDIAN = np.dtype("<f8")


class Sample(msgspec.Struct, frozen=True, eq=False):
    """One question about one image, with its truth: a struct, since there are many, and it is made ten times quicker.

    truth is (m, 4) float64 pixels xyxy of the asked category for detection (crowds left out), a label for
    classification, and one box (4,) in pixels for grounding, or (0, 4) where there is nothing to find. `image` may be
    missing on disk when recorded answers are scored. `image_size` is (width, height); None only for a classification
    image that is missing.

    For grounding, mask and ignore are COCO RLE of the image's size: the true region, and pixels that count on neither
    side (the two don't overlap). polygon is the first one of the annotation, (x, y) in pixels, whatever its label.
    """

    id: str
    image: Path
    image_size: tuple[int, int] | None
    prompt: str
    kind: Kind
    truth: Boxes | str
    category: str | None = None
    image_id: int | str | None = None
    category_id: int | None = None
    mask: dict[str, Any] | None = None
    ignore: dict[str, Any] | None = None
    polygon: tuple[tuple[float, float], ...] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height). Raises ValueError when it is not known."""
        if self.image_size is None:
            raise ValueError(f"the size of image {self.image} is not known")
        return self.image_size

    @property
    def boxes(self) -> Boxes:
        """The true boxes as (m, 4), pixels xyxy. Raises ValueError for a classification sample."""
        if isinstance(self.truth, str):
            raise ValueError(f"sample {self.id!r} has a label, not boxes")  # noqa: TRY004
        return self.truth.reshape(-1, 4)

    @property
    def label(self) -> str:
        """The true label. Raises ValueError for a sample with boxes."""
        if not isinstance(self.truth, str):
            raise ValueError(f"sample {self.id!r} has boxes, not a label")  # noqa: TRY004
        return self.truth


def fingerprint(samples: Iterable[Sample], extra: Any = None) -> str:
    """SHA-256 over ids, image names, sizes and truths: two runs with the same value were asked about the same data.

    Prompts are left out (they are a setting of their own), and so are image bytes, which `score` doesn't need.
    """
    digest = hashlib.sha256(json.dumps(extra, sort_keys=True).encode())
    image, name = None, ""
    for sample in samples:
        if sample.image is not image:
            image, name = sample.image, sample.image.name
        if isinstance(sample.truth, str):
            # A class doesn't depend on the image's size, which is unknown where the image is missing.
            digest.update(ascii((sample.id, name, None, sample.truth, sample.category)).encode())
        else:
            digest.update(ascii((sample.id, name, sample.size, sample.truth.shape, sample.category)).encode())
            digest.update(sample.truth.astype(_LITTLE_ENDIAN, copy=False).tobytes())
        regions = (sample.mask, sample.ignore, sample.polygon)
        if regions != (None, None, None):
            digest.update(json.dumps(regions, sort_keys=True).encode())
    return digest.hexdigest()
