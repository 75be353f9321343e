"""One loader per layout on disk; each yields what a task turns into samples."""

from vrft_eval.datasets.annotations import Annotation, Annotations
from vrft_eval.datasets.classification import load_classification
from vrft_eval.datasets.coco import CocoData, CocoImage, load_coco
from vrft_eval.datasets.coco_layouts import find_coco
from vrft_eval.datasets.detection import load_detection
from vrft_eval.datasets.grounded import Grounded, GroundedImage
from vrft_eval.datasets.grounding import load_grounding
from vrft_eval.datasets.labelled import Labelled, LabelledImage
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.datasets.presence import Origin

__all__ = [
    "Annotation",
    "Annotations",
    "CocoData",
    "CocoImage",
    "Grounded",
    "GroundedImage",
    "Labelled",
    "LabelledImage",
    "LoadOptions",
    "Origin",
    "find_coco",
    "load_classification",
    "load_coco",
    "load_detection",
    "load_grounding",
]
