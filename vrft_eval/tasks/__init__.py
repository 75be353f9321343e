"""What to ask and how to score it: the registry of tasks."""

from __future__ import annotations

from collections.abc import Callable

from vrft_eval.errors import InputError, nearest
from vrft_eval.samples import Kind
from vrft_eval.tasks.base import Judged, LoadOptions, Measures, Outcome, Reading, TaskData, TaskSpec
from vrft_eval.tasks.classification import ClassificationData
from vrft_eval.tasks.detection import DetectionData
from vrft_eval.tasks.grounding import GroundingData

__all__ = [
    "TASKS",
    "Judged",
    "LoadOptions",
    "Measures",
    "Outcome",
    "Reading",
    "TaskData",
    "TaskSpec",
    "get_task",
    "load_task",
]

_COCO = "annotations/instances_val2017.json + val2017/*.jpg, or annotations.json + images/"
_FOLDER = "<class>/*.png|jpg, or index.json|index.csv (image, label)"
_LINES = "grounding.jsonl (image, text, box, mask?) + images"
_AP = "mAP, AP50, AP75, APs/m/l, AR"
_IOU = "mIoU, Acc50, gIoU, cIoU"

# Visual-RFT (arXiv 2503.01785): the categories of its few-shot and of its open-vocabulary tables.
_FEWSHOT8 = ("bus", "train", "fire hydrant", "stop sign", "cat", "dog", "bed", "toilet")
_NOVEL15 = (
    *("mouse", "fork", "hot dog", "cat", "airplane", "suitcase", "parking meter", "sandwich"),
    *("train", "hair drier", "toilet", "toaster", "snowboard", "frisbee", "bear"),
)

TASKS: dict[str, TaskSpec] = {
    spec.name: spec
    for spec in (
        TaskSpec("coco", "detection", "detection", _AP, _COCO, gate="truth"),
        TaskSpec("coco-fewshot8", "detection", "detection", _AP, _COCO, _FEWSHOT8, gate="truth"),
        TaskSpec("coco-novel15", "detection", "detection", _AP, _COCO, _NOVEL15, gate="truth"),
        TaskSpec("shapes-detection", "detection", "detection", _AP, _COCO, gate="negatives", generated=True),
        TaskSpec(
            "shapes-classification", "classification", "classification-flowers", "accuracy", _FOLDER, generated=True
        ),
        TaskSpec("shapes-grounding", "grounding", "grounding", _IOU, _LINES, generated=True),
        TaskSpec("detection", "detection", "detection", _AP, _COCO, gate="truth"),
        TaskSpec("classification", "classification", "classification", "accuracy", _FOLDER),
        TaskSpec("grounding", "grounding", "grounding", _IOU, _LINES),
    )
}

_KINDS: dict[Kind, Callable[[TaskSpec, LoadOptions], TaskData]] = {
    "detection": DetectionData,
    "classification": ClassificationData,
    "grounding": GroundingData,
}


def get_task(name: str) -> TaskSpec:
    """Look a task up. Raises InputError with the nearest names.

    >>> get_task("coco").kind
    'detection'
    """
    if name not in TASKS:
        raise InputError(f"no task named {name!r}; {nearest(name, tuple(TASKS))}")
    return TASKS[name]


def load_task(spec: TaskSpec, options: LoadOptions) -> TaskData:
    """Load and check a task's data. Raises InputError."""
    return _KINDS[spec.kind](spec, options)
