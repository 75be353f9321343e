"""True boxes, all at once: clipped to their images, grouped, and looked at for what is odd."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vrft_eval.datasets.annotations import Annotations
from vrft_eval.datasets.coco import CocoImage
from vrft_eval.findings import Findings
from vrft_eval.samples import Boxes

_TINY = 2.0
# Annotation tools write corners that are off by rounding.
_ROUNDING = 1.0
_FACTORS = np.sqrt([1.0, 2.0, 3.0, 5.0])


def true_boxes(
    images: Sequence[CocoImage], annotations: Annotations, findings: Findings
) -> dict[tuple[int, int], Boxes]:
    """The boxes (m, 4) of each (image, category) pair that has some: pixels xyxy, clipped to the image.

    Crowds are left out, and so are boxes without area inside their image. Boxes that are outside, empty, tiny or there
    twice are counted in the findings. Pairs are in the order of their first boxes.
    """
    if not len(annotations):
        return {}
    boxes = annotations.boxes.copy()
    boxes[:, 2:] += boxes[:, :2]
    clipped = np.clip(boxes, 0.0, _limits(images, annotations))
    whole = (clipped[:, 0] < clipped[:, 2]) & (clipped[:, 1] < clipped[:, 3])
    _look(annotations, boxes, clipped, whole, findings)
    return _grouped(annotations, clipped, np.flatnonzero(whole & ~annotations.crowd))


def _limits(images: Sequence[CocoImage], annotations: Annotations) -> NDArray[np.float64]:
    """The far corner of each annotation's image, twice: (n, 4)."""
    ids = np.array([image.id for image in images], dtype=np.int64)
    order = np.argsort(ids)
    sizes = np.array([image.size * 2 for image in images], dtype=np.float64)
    limits: NDArray[np.float64] = sizes[order[np.searchsorted(ids, annotations.image_id, sorter=order)]]
    return limits


def _grouped(annotations: Annotations, boxes: Boxes, rows: NDArray[np.int64]) -> dict[tuple[int, int], Boxes]:
    image, category = annotations.image_id[rows], annotations.category_id[rows]
    order = np.lexsort((category, image))  # stable: the boxes of a pair keep their order
    image, category, rows = image[order], category[order], rows[order]
    begins = np.flatnonzero((np.diff(image, prepend=np.nan) != 0) | (np.diff(category, prepend=np.nan) != 0))
    spans = list(pairwise([*begins.tolist(), len(rows)]))
    pairs = list(zip(image[begins].tolist(), category[begins].tolist(), strict=True))
    boxes = boxes[rows]
    return {pairs[k]: boxes[slice(*spans[k])] for k in np.argsort(rows[begins]).tolist()}


def _look(
    annotations: Annotations,
    boxes: NDArray[np.float64],
    clipped: NDArray[np.float64],
    whole: NDArray[np.bool_],
    findings: Findings,
) -> None:
    beyond = np.abs(boxes - clipped).max(axis=1)
    sides = (boxes[:, 2:] - boxes[:, :2]).min(axis=1)
    found = {
        "box_empty": ~whole,
        "box_outside": whole & (beyond >= _ROUNDING),
        "box_outside_a_little": whole & (beyond > 0) & (beyond < _ROUNDING),
        "box_tiny": whole & (sides < _TINY),
        "box_twice": _repeated(annotations),
    }
    for kind, where in found.items():
        for index in np.flatnonzero(where).tolist():
            findings.see(kind, _shown(annotations, index))


def _repeated(annotations: Annotations) -> NDArray[np.bool_]:
    """Which are equal to an earlier one."""
    columns = (*annotations.boxes.T, annotations.category_id, annotations.image_id)
    repeated = np.zeros(len(annotations), dtype=np.bool_)
    # Few boxes share so much as a sum of their numbers, so only these are sorted by all.
    # Product by product, for a matrix product may round the same numbers in two ways.
    total = sum(column * factor for column, factor in zip(columns, _FACTORS, strict=False))
    order = np.argsort(total, kind="stable")
    same = np.diff(total[order]) == 0
    rows = order[np.append(same, False) | np.append(False, same)]
    rows = rows[np.lexsort([column[rows] for column in columns])]
    repeated[rows[1:][np.all([np.diff(column[rows]) == 0 for column in columns], axis=0)]] = True
    return repeated


def _shown(annotations: Annotations, index: int) -> str:
    annotation = annotations[index]
    box = [round(value, 2) for value in annotation.bbox]
    return f"image {annotation.image_id}, category {annotation.category_id}: {box}"
