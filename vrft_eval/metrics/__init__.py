"""The numbers of a report: detection through hotcoco, classification, grounding."""

from vrft_eval.metrics.classification import classification_metrics
from vrft_eval.metrics.detection import DetectionMetrics, detection_metrics
from vrft_eval.metrics.grounding import GroundingMetrics, grounding_metrics

__all__ = [
    "DetectionMetrics",
    "GroundingMetrics",
    "classification_metrics",
    "detection_metrics",
    "grounding_metrics",
]
