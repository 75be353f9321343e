"""Truth and detections of one data set as columns: what every detection metric is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vrft_eval.datasets.annotations import Annotation, Annotations
from vrft_eval.datasets.coco import CocoImage

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class BoxTruth:
    """m true boxes: indices into the table's images and categories, boxes (m, 4) xywh in pixels, area, crowd."""

    image: Ints
    category: Ints
    boxes: Floats
    area: Floats
    crowd: Bools


@dataclass(frozen=True, eq=False)
class Detected:
    """n predicted boxes: indices into the table's images and categories, boxes (n, 4) xywh in pixels, confidences."""

    image: Ints
    category: Ints
    boxes: Floats
    scores: Floats

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.scores)


@dataclass(frozen=True, eq=False)
class DetectionTable:
    """Images and categories by ascending id, as the references take them, and the boxes in the order given.

    negatives and not_exhaustive are sorted `pair` numbers (LVIS); frequencies are the categories' groups, "" for none.
    """

    image_ids: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    category_ids: tuple[int, ...]
    truth: BoxTruth
    found: Detected
    rule: Literal["coco", "lvis"]
    negatives: Ints
    not_exhaustive: Ints
    frequencies: tuple[str, ...]

    def pair(self, image: Ints, category: Ints) -> Ints:
        """One number for each (category, image), ascending by category."""
        return category * len(self.image_ids) + image


def make_table(
    images: Sequence[CocoImage],
    categories: Mapping[int, str],
    annotations: Sequence[Annotation],
    image_ids: ArrayLike,
    category_ids: ArrayLike,
    boxes: ArrayLike,
    scores: ArrayLike,
    rule: Literal["coco", "lvis"] = "coco",
    frequencies: Mapping[int, str] | None = None,
) -> DetectionTable:
    """Put truth and n detections (boxes (n, 4) xywh in pixels, confidences (n,)) into columns.

    Raises ValueError naming a detection of an unknown image or category, one that was given twice by id, or a number
    that isn't finite: hotcoco would take the first two silently.
    """
    ordered = sorted(images, key=lambda image: image.id)
    keys = sorted(categories)
    image_at = {image.id: number for number, image in enumerate(ordered)}
    category_at = {key: number for number, key in enumerate(keys)}
    if len(image_at) < len(ordered):
        raise ValueError("images: an id is used twice")
    found = Detected(
        _places(image_ids, list(image_at), "image_id"),
        _places(category_ids, keys, "category_id"),
        np.asarray(boxes, dtype=np.float64).reshape(-1, 4),
        np.asarray(scores, dtype=np.float64).reshape(-1),
    )
    _check(found)
    true = Annotations.of(annotations)
    truth = BoxTruth(
        np.searchsorted(list(image_at), true.image_id),
        np.searchsorted(keys, true.category_id),
        true.boxes,
        true.area,
        true.crowd,
    )
    sets = [
        [category_at[key] * len(ordered) + place for place, image in enumerate(ordered) for key in getattr(image, name)]
        for name in ("negatives", "not_exhaustive")
    ]
    negatives, not_exhaustive = (np.sort(np.array(numbers, dtype=np.int64)) for numbers in sets)
    return DetectionTable(
        image_ids=tuple(image_at),
        sizes=tuple(image.size for image in ordered),
        category_ids=tuple(keys),
        truth=truth,
        found=found,
        rule=rule,
        negatives=negatives,
        not_exhaustive=not_exhaustive,
        frequencies=tuple((frequencies or {}).get(key, "") for key in keys),
    )


def _places(ids: ArrayLike, known: Sequence[int], field: str) -> Ints:
    """The place of each id among the known ones, which are sorted."""
    asked, there = np.asarray(ids, dtype=np.int64), np.array(known, dtype=np.int64)
    strange = np.flatnonzero(~np.isin(asked, there))
    if len(strange):
        raise ValueError(f"predictions[{strange[0]}].{field}: unknown, got {asked[strange[0]]}")
    places: Ints = np.searchsorted(there, asked)
    return places


def _check(found: Detected) -> None:
    lengths = {len(found.image), len(found.category), len(found.boxes), len(found.scores)}
    if len(lengths) > 1:
        raise ValueError(f"predictions: columns of different lengths {sorted(lengths)}")
    finite = np.isfinite(found.boxes).all(axis=1) & np.isfinite(found.scores)
    if not finite.all():
        position = int(np.argmin(finite))
        got = [*found.boxes[position].tolist(), found.scores[position].item()]
        raise ValueError(f"predictions[{position}]: numbers must be finite, got {got}")
    if (found.boxes[:, 2:] < 0).any():
        position = int(np.argmax((found.boxes[:, 2:] < 0).any(axis=1)))
        raise ValueError(f"predictions[{position}]: width and height must not be negative")
