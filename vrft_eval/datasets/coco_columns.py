"""The annotations of a sound COCO file, decoded and checked all at once: the quick way of `load_coco`.

Nothing is said here about what is wrong. Whatever is odd in any way makes `decode` or `Columns.fitting` return None,
and the file is then read entry by entry, which names it.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vrft_eval.datasets.annotations import Annotations
from vrft_eval.datasets.checks import LARGEST


class _Entry(msgspec.Struct, gc=False):
    """What is needed of an annotation; polygons, which are most of a file, are passed over without being built."""

    id: int
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    area: float
    iscrowd: int = 0


class _Document(msgspec.Struct):
    images: Any
    annotations: list[_Entry]
    categories: Any


_decode = msgspec.json.Decoder(_Document).decode


class Columns:
    """A decoded file; `images` and `categories` as json would give them."""

    def __init__(self, document: _Document) -> None:
        entries = document.annotations
        count = len(entries)
        self.images, self.categories = document.images, document.categories
        self._id = np.fromiter(map(attrgetter("id"), entries), np.int64, count)
        self._crowd = np.fromiter(map(attrgetter("iscrowd"), entries), np.int64, count)
        self._annotations = Annotations(
            np.fromiter(map(attrgetter("image_id"), entries), np.int64, count),
            np.fromiter(map(attrgetter("category_id"), entries), np.int64, count),
            np.fromiter(chain.from_iterable(map(attrgetter("bbox"), entries)), np.float64, 4 * count).reshape(-1, 4),
            np.fromiter(map(attrgetter("area"), entries), np.float64, count),
            self._crowd == 1,
        )

    def fitting(self, images: Collection[int], categories: Collection[int]) -> Annotations | None:
        """The annotations, if there is nothing at all to remark about any, given the ids that there are."""
        found = self._annotations
        sound = (
            _small(self._id)
            and bool((self._id != 0).all())
            and len(np.unique(self._id)) == len(self._id)
            and bool(((self._crowd == 0) | (self._crowd == 1)).all())
            and _small(found.boxes)
            and _small(found.area)
            and bool((found.boxes[:, 2:] >= 0).all() and (found.area >= 0).all())
            and _known(found.image_id, images)
            and _known(found.category_id, categories)
        )
        return found if sound else None


def decode(data: bytes) -> Columns | None:
    """Decode a file whose annotations all have an id, an image, a category, four numbers and an area."""
    try:
        if not data.isascii():
            data.decode("utf-8")  # texts that are passed over must be sound too
        return Columns(_decode(data))
    except (msgspec.MsgspecError, UnicodeDecodeError, OverflowError, RecursionError):
        return None


def _small(values: NDArray[Any]) -> bool:
    """Whether `is_whole` or `is_number` holds of all."""
    return bool(((values > -LARGEST) & (values < LARGEST)).all())


def _known(ids: NDArray[np.int64], there: Collection[int]) -> bool:
    return bool(np.isin(ids, np.fromiter(there, np.int64, len(there))).all())
