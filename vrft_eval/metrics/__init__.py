"""The numbers of a report: detection through hotcoco, classification, grounding."""

from vrft_eval.metrics.classification import Verdict, accuracies, confusion, per_class, released_errors
from vrft_eval.metrics.detection import DetectionMetrics, detection_metrics
from vrft_eval.metrics.grounding import (
    LISA,
    VISUAL_RFT,
    MaskRule,
    Overlap,
    box_metrics,
    mask_metrics,
    overlap_of,
    polygon_mask,
)

__all__ = [
    "LISA",
    "VISUAL_RFT",
    "DetectionMetrics",
    "MaskRule",
    "Overlap",
    "Verdict",
    "accuracies",
    "box_metrics",
    "confusion",
    "detection_metrics",
    "mask_metrics",
    "overlap_of",
    "per_class",
    "polygon_mask",
    "released_errors",
]
