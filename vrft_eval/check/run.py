"""Look at a task's data before a GPU does: what is there, what is missing, what is odd."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from vrft_eval.check.classification import survey_classification
from vrft_eval.check.detection import survey_detection
from vrft_eval.check.grounding import survey_grounding
from vrft_eval.check.models import CheckFinding, CheckReport
from vrft_eval.check.survey import Survey
from vrft_eval.datasets import LoadOptions
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings
from vrft_eval.images import SUFFIXES, Progress, check_images
from vrft_eval.tasks import TaskData, TaskSpec, load_task
from vrft_eval.tasks.classification import ClassificationData
from vrft_eval.tasks.detection import DetectionData
from vrft_eval.tasks.grounding import GroundingData


def check_task(
    spec: TaskSpec, options: LoadOptions, *, full: bool = False, progress: Progress | None = None
) -> CheckReport:
    """Check a task's data; `full` decodes every image, else its header is read. Nothing wrong with them is raised."""
    started = time.monotonic()
    findings = Findings(collect=True)
    survey = Survey()
    try:
        data = load_task(spec, options, findings)
    except InputError as error:
        findings.see("unusable_data", str(error))
    else:
        survey = _survey(data, findings)
        _check_images(data, findings, full, progress)
    return CheckReport(
        task=spec.name,
        data=survey.file,
        split=spec.split_of(options),
        found=survey.found,
        prompts=survey.prompts,
        findings=[CheckFinding(**asdict(found)) for found in findings],
        full=full,
        seconds=round(time.monotonic() - started, 2),
    )


def _survey(data: TaskData, findings: Findings) -> Survey:
    if isinstance(data, DetectionData):
        return survey_detection(data, findings)
    if isinstance(data, ClassificationData):
        return survey_classification(data, findings)
    if isinstance(data, GroundingData):
        return survey_grounding(data, findings)
    raise TypeError(f"no survey of {type(data).__name__}")


def _check_images(data: TaskData, findings: Findings, full: bool, progress: Progress | None) -> None:
    # The images inside a table were opened when it was read.
    if data.origin.embedded is not None:
        return
    images = {path: size for path, size in data.images().items() if path not in data.origin.unusable}
    for error in check_images(images, full=full, progress=progress).errors:
        findings.see(error.kind, str(error))
    for path in _unused({path.parent for path in images}, data.every_image()):
        findings.see("image_unused", str(path))


def _unused(folders: Iterable[Path], named: set[Path]) -> Iterable[Path]:
    """Image files beside the named ones, in the order of their names."""
    for folder in sorted(folders):
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if Path(entry.name).suffix.lower() in SUFFIXES)
        yield from (folder / name for name in names if folder / name not in named)
