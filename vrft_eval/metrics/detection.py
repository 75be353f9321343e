"""COCO's average precision and recall through hotcoco, with its edges guarded."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vrft_eval.datasets.coco import Annotation, CocoImage

_MAX_DETECTIONS = [1, 10, 100]
_AREAS = {"s": 1, "m": 2, "l": 3}


@dataclass(frozen=True)
class DetectionMetrics:
    """Values in 0..1, None where there is no ground truth; per category keyed by category id."""

    overall: dict[str, float | None]
    per_category: dict[int, dict[str, float | None]]
    without_truth: tuple[int, ...]


def detection_metrics(
    images: Sequence[CocoImage],
    categories: Mapping[int, str],
    annotations: Sequence[Annotation],
    predictions: Sequence[Mapping[str, Any]],
    selected: Collection[int],
) -> DetectionMetrics:
    """Measure predictions in COCO's results format (bbox xywh in pixels) against annotations.

    The overall metrics are means over the selected categories that have ground truth (crowds alone are none);
    the others are listed in `without_truth` and None. mAP is AP averaged over IoU .50:.95, at most 100
    detections an image and category, as in COCO. Raises ValueError naming a prediction with an unknown image or
    category or a number that isn't finite, since hotcoco would accept it silently.
    """
    import hotcoco

    image_ids = {image.id for image in images}
    for position, prediction in enumerate(predictions):
        _check(prediction, position, image_ids, categories)
    truth = hotcoco.COCO(
        {
            "images": [{"id": im.id, "width": im.size[0], "height": im.size[1]} for im in images],
            "categories": [{"id": key, "name": name} for key, name in categories.items()],
            # Ids are given anew, from 1: hotcoco and pycocotools both misread 0 and repeated ids.
            "annotations": [
                {
                    "id": number,
                    "image_id": a.image_id,
                    "category_id": a.category_id,
                    "bbox": list(a.bbox),
                    "area": a.area,
                    "iscrowd": int(a.crowd),
                }
                for number, a in enumerate(annotations, start=1)
            ],
        }
    )
    engine = hotcoco.COCOeval(truth, truth.load_res([dict(p) for p in predictions]), "bbox")
    engine.params.max_dets = _MAX_DETECTIONS
    engine.evaluate()
    engine.accumulate()
    curves: dict[str, Any] = engine.eval or {}
    precision: NDArray[np.float64] = curves["precision"]  # (IoU, recall, category, area, detections)
    recall: NDArray[np.float64] = curves["recall"]  # (IoU, category, area, detections)
    order: list[int] = engine.params.cat_ids
    iou_at = {
        name: int(np.argmin(np.abs(np.array(engine.params.iou_thrs) - value)))
        for name, value in (("AP50", 0.5), ("AP75", 0.75))
    }
    per_category = {key: _category(precision[:, :, k], recall[:, k], iou_at) for k, key in enumerate(order)}
    chosen = [per_category[key] for key in order if key in selected]
    names = list(_category(np.full((10, 1, 4, 3), -1.0), np.full((10, 4, 3), -1.0), iou_at))
    overall = {name: _mean([row[name] for row in chosen]) for name in names}
    without = tuple(key for key in order if key in selected and per_category[key]["mAP"] is None)
    return DetectionMetrics(overall, per_category, without)


def _category(
    precision: NDArray[np.float64], recall: NDArray[np.float64], iou_at: Mapping[str, int]
) -> dict[str, float | None]:
    row = {"mAP": _mean_valid(precision[:, :, 0, -1])}
    for name, index in iou_at.items():
        row[name] = _mean_valid(precision[index, :, 0, -1])
    for letter, area in _AREAS.items():
        row[f"AP{letter}"] = _mean_valid(precision[:, :, area, -1])
    for position, limit in enumerate(_MAX_DETECTIONS):
        row[f"AR{limit}"] = _mean_valid(recall[:, 0, position])
    return row


def _mean_valid(values: NDArray[np.float64]) -> float | None:
    valid = values[values > -1]
    return float(valid.mean()) if valid.size else None


def _mean(values: Sequence[float | None]) -> float | None:
    valid = [value for value in values if value is not None]
    return math.fsum(valid) / len(valid) if valid else None


def _check(prediction: Mapping[str, Any], position: int, images: Collection[int], categories: Collection[int]) -> None:
    for field, known in (("image_id", images), ("category_id", categories)):
        if prediction[field] not in known:
            raise ValueError(f"predictions[{position}].{field}: unknown, got {prediction[field]!r}")
    if not all(math.isfinite(number) for number in (*prediction["bbox"], prediction["score"])):
        raise ValueError(f"predictions[{position}]: numbers must be finite, got {prediction!r}")
