"""What to ask and how to score it: the registry of tasks."""

from __future__ import annotations

from collections.abc import Callable

from vrft_eval.datasets import LoadOptions
from vrft_eval.errors import InputError, nearest
from vrft_eval.findings import Findings
from vrft_eval.samples import Kind
from vrft_eval.tasks.base import DataSource, Measures, Reading, TaskData, TaskSpec
from vrft_eval.tasks.classification import ClassificationData
from vrft_eval.tasks.detection import DetectionData
from vrft_eval.tasks.grounding import GroundingData
from vrft_eval.tasks.judged import Judged, Outcome, Verdicts
from vrft_eval.tasks.registry import TASKS

__all__ = [
    "TASKS",
    "DataSource",
    "Judged",
    "LoadOptions",
    "Measures",
    "Outcome",
    "Reading",
    "TaskData",
    "TaskSpec",
    "Verdicts",
    "get_task",
    "load_task",
]

_KINDS: dict[Kind, Callable[[TaskSpec, LoadOptions, Findings | None], TaskData]] = {
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


def load_task(spec: TaskSpec, options: LoadOptions, findings: Findings | None = None) -> TaskData:
    """Load and check a task's data. Raises InputError, but for what the findings collect."""
    return _KINDS[spec.kind](spec, options, findings)
