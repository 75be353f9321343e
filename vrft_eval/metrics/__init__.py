"""The numbers of a report: detection through hotcoco, classification, grounding."""

from vrft_eval.metrics.classification import classification_metrics
from vrft_eval.metrics.detection import DetectionMetrics, detection_metrics
from vrft_eval.metrics.grounding import LISA, VISUAL_RFT, Overlap, box_metrics, mask_metrics, overlap_of, polygon_mask

__all__ = [
    "LISA",
    "VISUAL_RFT",
    "DetectionMetrics",
    "Overlap",
    "box_metrics",
    "classification_metrics",
    "detection_metrics",
    "mask_metrics",
    "overlap_of",
    "polygon_mask",
]
