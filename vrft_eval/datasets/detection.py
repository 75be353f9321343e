"""Detection data of any layout: COCO, LVIS, or rows of image, question and answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from vrft_eval.datasets.annotations import Annotation, Annotations
from vrft_eval.datasets.coco import CocoData, CocoImage, load_coco
from vrft_eval.datasets.coco_layouts import find_coco
from vrft_eval.datasets.hub import bad_row, is_hub, note_question, read_hub
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.datasets.presence import Origin, look_for
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings
from vrft_rewards import IssueKind, Status, parse_detections, to_pixels

# In a question in other words than the task's.
_CATEGORY = re.compile(r"category '([^'\n]{1,100})'")
_CONFIDENCES = (IssueKind.CONFIDENCE_MISSING, IssueKind.CONFIDENCE_RANGE, IssueKind.CONFIDENCE_UNREADABLE)

AskedOf = Callable[[str], str | None]
"""Says which category (or description) a question is about, or None."""


def load_detection(layout: str, options: LoadOptions, findings: Findings, asked_of: AskedOf) -> CocoData:
    """Read the data of a detection task; images that are not there are left out when that is asked for.

    layout is coco or lvis. Raises InputError.
    """
    if options.annotations is None and is_hub(options.data):
        return _from_hub(options, findings, asked_of)
    file, folder = find_coco(options.data, options.annotations, options.images, options.split, layout)
    whole = load_coco(file, folder, findings)
    if layout == "lvis" and whole.rule != "lvis":
        raise InputError("is no file of LVIS: its categories have no frequency", file=file, field="categories")
    paths = [image.path for image in whole.images]
    origin, dropped = look_for(paths, whole.origin.roots, options.missing, options.left_out, findings)
    if dropped:
        images = tuple(image for image in whole.images if image.path not in dropped)
        kept = whole.annotations.of_images([image.id for image in images])
        whole = replace(whole, images=images, annotations=kept)
    return replace(whole, origin=origin)


def _from_hub(options: LoadOptions, findings: Findings, asked_of: AskedOf) -> CocoData:
    """An image per row, asked about the one category that its question names; its id is the row's number + 1."""
    rows, embedded = read_hub(options, findings)
    folder = embedded.table.folder
    ids: dict[str, int] = {}
    images: list[CocoImage] = []
    annotations: list[Annotation] = []
    for row in rows:
        category = asked_of(row.problem)
        if category is None and (match := _CATEGORY.search(row.problem)) is not None:
            category = match[1]
            note_question(row, findings)
        found = parse_detections(row.answer, "norm1000", row.size)
        if category is None:
            bad_row(row, folder, "the question names no category", row.problem, findings)
        elif found.status not in (Status.BOXES, Status.NO_OBJECTS) or any(
            issue.kind not in _CONFIDENCES for issue in found.issues
        ):
            bad_row(row, folder, "the solution is no list of boxes from 0 to 1000", row.answer, findings)
        else:
            category_id = ids.setdefault(category, len(ids) + 1)
            # A category that was asked about and isn't there is one that is verified to be absent.
            negatives = frozenset() if len(found.boxes) else frozenset({category_id})
            images.append(CocoImage(row.row + 1, row.path, row.size, negatives))
            for x1, y1, x2, y2 in to_pixels(np.asarray(found.boxes), "norm1000", row.size).tolist():
                w, h = x2 - x1, y2 - y1
                annotations.append(Annotation(row.row + 1, category_id, (x1, y1, w, h), w * h, False))
    categories = {key: name for name, key in ids.items()}
    if not images:
        raise InputError("holds no rows that can be used", file=folder)
    origin = Origin((folder,), embedded=embedded)
    return CocoData(folder, tuple(images), categories, Annotations.of(annotations), origin=origin)
