"""Choosing the questions of a training set among all that a data set can be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trainers.data.subset import Draw, draw_evenly, draw_shots
from vrft_eval.errors import InputError
from vrft_eval.samples import Sample
from vrft_eval.tasks import TaskData
from vrft_eval.tasks.detection import DetectionData

INCOMPLETE = "pairs of image and category were left out, since not every object is annotated (crowds, LVIS's lists)"
WITHOUT_TARGET = "descriptions were left out, since there is nothing to find"
_SHOWN = 10

Ids = dict[str, list[str]]


@dataclass
class Chosen:
    """The questions that were taken, by category, and what has to be said of them."""

    ids: Ids
    absent: Ids = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def every_id(self) -> list[str]:
        """All questions in their order."""
        return [key for group in (self.ids, self.absent) for keys in group.values() for key in keys]


def choose(data: TaskData, template: str, draw: Draw, counts: Counter[str]) -> Chosen:
    """Draw questions; counts takes those that can't be used. Raises InputError when there are none."""
    found = _candidates(data, template, counts)
    if draw.shots is not None:
        chosen = Chosen(draw_shots(found, draw.shots, draw.seed))
        short = {name: len(keys) for name, keys in chosen.ids.items() if len(keys) < draw.shots}
        if short:
            listed = ", ".join(f"{name} {count}" for name, count in list(short.items())[:_SHOWN])
            more = f", and {len(short) - _SHOWN:,} more" if len(short) > _SHOWN else ""
            fewer = f"{len(short):,} of {len(found):,} categories have fewer than {draw.shots} images"
            chosen.notes.append(f"{fewer}: {listed}{more}.")
    elif draw.positives is not None:
        chosen = Chosen(draw_evenly(found, draw.positives, draw.seed))
        there = len(chosen.every_id)
        if there < draw.positives:
            chosen.notes.append(f"There are only {there:,} of the {draw.positives:,} questions wanted.")
    else:
        chosen = Chosen(found)
    positives = len(chosen.every_id)
    if positives == 0:
        raise InputError(f"there is nothing to ask: none of {', '.join(list(found)[:_SHOWN])} has an image")
    wanted = draw.wanted_negatives(positives)
    if isinstance(data, DetectionData) and wanted:
        chosen.absent = draw_evenly(_absent(data, chosen.every_id), wanted, draw.seed)
        there = len(chosen.every_id) - positives
        if there < wanted:
            chosen.notes.append(f"There are only {there:,} of the {wanted:,} questions wanted about absent categories.")
    return chosen


def _candidates(data: TaskData, template: str, counts: Counter[str]) -> Ids:
    """The ids of all questions whose truth can be trained on, by category."""
    if isinstance(data, DetectionData):
        names = [name for key, name in data.coco.categories.items() if key in data.selected]
        incomplete = _incomplete(data)
        found: Ids = {name: [] for name in names}
        for sample in data.samples(template, "truth"):
            if (sample.image_id, sample.category_id) in incomplete:
                counts[INCOMPLETE] += 1
            else:
                found[sample.category or ""].append(sample.id)
        return found
    samples = data.samples(template, None)
    if data.spec.kind == "grounding":
        there = [sample.id for sample in samples if len(sample.boxes)]
        counts[WITHOUT_TARGET] += len(samples) - len(there)
        return {"grounding": there}
    found = {label: [] for label in getattr(data, "labels", ())}
    for sample in samples:
        found[sample.label].append(sample.id)
    return found


def _incomplete(data: DetectionData) -> set[tuple[int, int]]:
    """The (image, category) pairs that hold more objects than boxes: finding them would be paid too little."""
    annotations = data.coco.annotations
    pairs = set(annotations.where(annotations.crowd).pairs())
    return pairs | {(image.id, category) for image in data.coco.images for category in image.not_exhaustive}


def _absent(data: DetectionData, ids: Iterable[str]) -> Ids:
    """Questions about the same images whose category is known not to be there.

    COCO annotates all of its categories in every image; elsewhere only those listed as verified count. In rows of
    Hugging Face data each image is asked about once, so there it is all images.
    """
    images = {int(key.partition(":")[0]) for key in ids}
    there = set(data.coco.annotations.of_images(images).pairs())
    packed = data.origin.embedded is not None
    exhaustive = data.coco.rule == "coco" and not packed
    selected = {key: name for key, name in data.coco.categories.items() if key in data.selected}
    found: Ids = {name: [] for name in selected.values()}
    for image in data.coco.images:
        if packed or image.id in images:
            for key, name in selected.items():
                if (exhaustive or key in image.negatives) and (image.id, key) not in there:
                    found[name].append(f"{image.id}:{key}")
    return found


def samples_of(data: TaskData, template: str, ids: Sequence[str], file: Path | None = None) -> list[Sample]:
    """Build the questions with these ids, in their order.

    Raises InputError, for the file that lists them, when the data have no such questions.
    """
    unknown = [(key, why) for key in ids if (why := data.known(key)) is not None]
    if unknown:
        message = f"{len(unknown):,} of {len(ids):,} ids are not in these data; the first: {unknown[0][1]}"
        raise InputError(message, file=file, field="ids", value=unknown[0][0])
    detection = isinstance(data, DetectionData)
    found: Mapping[str, Sample] = {
        sample.id: sample for sample in data.samples(template, "recorded" if detection else None, ids)
    }
    return [found[key] for key in ids]
