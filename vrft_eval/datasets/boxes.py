"""True boxes, all at once: clipped to their images, grouped, and looked at for what is odd."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vrft_eval.datasets.coco import Annotation, CocoImage
from vrft_eval.findings import Findings
from vrft_eval.samples import Boxes

_TINY = 2.0
# Annotation tools write corners that are off by rounding.
_ROUNDING = 1.0


def true_boxes(
    images: Sequence[CocoImage], annotations: Sequence[Annotation], findings: Findings
) -> dict[tuple[int, int], Boxes]:
    """The boxes (m, 4) of each (image, category) pair that has some: pixels xyxy, clipped to the image.

    Crowds are left out, and so are boxes without area inside their image. Boxes that are outside, empty, tiny or there
    twice are counted in the findings.
    """
    if not annotations:
        return {}
    sizes = {image.id: image.size for image in images}
    boxes = np.array([a.xyxy for a in annotations], dtype=np.float64)
    limits = np.array([sizes[a.image_id] for a in annotations], dtype=np.float64)
    clipped = np.clip(boxes, 0.0, np.hstack([limits, limits]))
    whole = (clipped[:, 0] < clipped[:, 2]) & (clipped[:, 1] < clipped[:, 3])
    _look(annotations, boxes, clipped, whole, findings)
    crowd = np.array([a.crowd for a in annotations])
    pairs: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index in np.flatnonzero(whole & ~crowd).tolist():
        pairs[annotations[index].image_id, annotations[index].category_id].append(index)
    return {pair: clipped[rows] for pair, rows in pairs.items()}


def _look(
    annotations: Sequence[Annotation],
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
    }
    for kind, where in found.items():
        for index in np.flatnonzero(where).tolist():
            findings.see(kind, _shown(annotations[index]))
    seen: set[tuple[int, int, tuple[float, float, float, float]]] = set()
    for annotation in annotations:
        key = (annotation.image_id, annotation.category_id, annotation.bbox)
        if key in seen:
            findings.see("box_twice", _shown(annotation))
        seen.add(key)


def _shown(annotation: Annotation) -> str:
    box = [round(value, 2) for value in annotation.bbox]
    return f"image {annotation.image_id}, category {annotation.category_id}: {box}"
