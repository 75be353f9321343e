"""One loader per layout on disk; each yields what a task turns into samples."""

from vrft_eval.datasets.coco import Annotation, CocoData, CocoImage, load_coco
from vrft_eval.datasets.coco_layouts import find_coco
from vrft_eval.datasets.folder import LabelledImage, load_labelled
from vrft_eval.datasets.jsonl import GroundedImage, load_grounding

__all__ = [
    "Annotation",
    "CocoData",
    "CocoImage",
    "GroundedImage",
    "LabelledImage",
    "find_coco",
    "load_coco",
    "load_grounding",
    "load_labelled",
]
