"""Detection: for each asked (image, category) pair, the boxes of the category."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np

from vrft_eval.backends.protocol import Answer
from vrft_eval.datasets import CocoImage, LoadOptions, load_detection
from vrft_eval.datasets.boxes import true_boxes
from vrft_eval.datasets.names import find_name
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings
from vrft_eval.metrics.engines import check_engine
from vrft_eval.samples import Boxes, Sample
from vrft_eval.schemas import Gate
from vrft_eval.tasks.base import (
    Measures,
    Reading,
    TaskData,
    TaskSpec,
    draw,
)
from vrft_eval.tasks.detection_judging import DetectionVerdicts, judge_detections, reward_of
from vrft_eval.tasks.detection_measures import measure_detection
from vrft_eval.tasks.judged import Judged, Verdicts
from vrft_eval.tasks.prompts import fill, load, unfill

_NO_BOXES = np.zeros((0, 4))


class DetectionData(TaskData):
    """COCO data of one detection task. Raises InputError for data or categories that don't fit."""

    headline = "mAP"

    def __init__(self, spec: TaskSpec, options: LoadOptions, findings: Findings | None = None) -> None:
        findings = self._begin(spec, options, findings)
        template = load(spec.prompt)
        whole = load_detection(spec.loader, options, findings, lambda text: unfill(template, text, "category"))
        self.origin = whole.origin
        self._compare_count(len(whole.images) + len(whole.origin.left_out))
        self._all_images = {image.id: image.path for image in whole.images}
        images = tuple(draw(whole.images, options.limit, options.seed))
        annotations = whole.annotations
        if len(images) < len(whole.images):
            annotations = annotations.of_images([image.id for image in images])
        self.coco = replace(whole, images=images, annotations=annotations)
        self.selected = self._select(options.categories or spec.categories)
        self._by_pair = true_boxes(images, annotations, findings)
        self._asked: set[int] = set()

    def _select(self, names: tuple[str, ...] | None) -> frozenset[int]:
        if names is None:
            return frozenset(self.coco.categories)
        by_name = {name: key for key, name in self.coco.categories.items()}
        found = set()
        for name in names:
            try:
                found.add(find_name(name, by_name, self.coco.synonyms))
            except InputError as error:
                message = f"task {self.spec.name} needs the category {name!r}: {error}"
                self.findings.error("unknown_category", InputError(message, file=self.coco.file))
        if not found:
            raise InputError("none of the wanted categories is there", file=self.coco.file)
        return frozenset(found)

    @property
    def truth(self) -> Mapping[tuple[int, int], Boxes]:
        """The true boxes of the (image, category) pairs that have some: (m, 4) pixels xyxy, crowds left out."""
        return self._by_pair

    def every_image(self) -> set[Path]:
        """The images of the whole data, however few are drawn."""
        return set(self._all_images.values())

    def images(self) -> Mapping[Path, tuple[int, int] | None]:
        """Every image with the size its annotations claim."""
        return {image.path: image.size for image in self.coco.images}

    def known(self, key: str) -> str | None:
        """Say what is wrong with an id `<image_id>:<category_id>`, or None."""
        image, _, category = key.partition(":")
        try:
            pair = int(image), int(category)
        except ValueError:
            return "must be <image_id>:<category_id>"
        if key != f"{pair[0]}:{pair[1]}":
            return "must be <image_id>:<category_id>, in plain digits"
        if pair[0] not in self._all_images:
            return "unknown image"
        return None if pair[1] in self.coco.categories else "unknown category"

    def samples(self, template: str, gate: Gate | None, recorded: Sequence[str] = ()) -> tuple[Sample, ...]:
        """One sample per asked pair, images in file order, the pairs of an image together.

        `recorded` are the ids of the pairs that the gates recorded, model and file let through.
        """
        answered: dict[int, set[int]] = defaultdict(set)
        for key in recorded:
            image_key, _, category_key = key.partition(":")
            answered[int(image_key)].add(int(category_key))
        prompts = {key: fill(template, category=name) for key, name in self.coco.categories.items()}
        place = {key: number for number, key in enumerate(self.coco.categories)}
        samples = []
        self._asked = set()
        for image in self.coco.images:
            asked = self._ask(image, gate, answered)
            self._asked |= asked
            for category_id in sorted(asked & place.keys(), key=place.__getitem__):
                samples.append(self._sample(image, category_id, prompts[category_id]))
        return tuple(samples)

    def _ask(self, image: CocoImage, gate: Gate | None, answered: Mapping[int, set[int]]) -> set[int]:
        if gate in ("recorded", "model", "file"):
            return answered.get(image.id, set())
        # Average precision is computed per category, so asking about others can't change a subset's mean.
        if gate == "none":
            return set(self.selected)
        present = {key for key in self.selected if (image.id, key) in self._by_pair}
        if gate == "negatives":
            present |= image.negatives & self.selected
        return present

    def _sample(self, image: CocoImage, category_id: int, prompt: str) -> Sample:
        return Sample(
            id=f"{image.id}:{category_id}",
            image=image.path,
            image_size=image.size,
            prompt=prompt,
            kind="detection",
            truth=self._by_pair.get((image.id, category_id), _NO_BOXES),
            category=self.coco.categories[category_id],
            image_id=image.id,
            category_id=category_id,
        )

    def only(self, samples: Sequence[Sample]) -> DetectionData:
        """The images of the samples, with the truth of the (image, category) pairs that they ask about."""
        pairs = {(sample.image_id, sample.category_id) for sample in samples}
        seen = {image for image, _ in pairs}
        coco = self.coco
        asked = np.array([pair in pairs for pair in coco.annotations.pairs()], dtype=np.bool_)
        images = tuple(image for image in coco.images if image.id in seen)
        some = copy(self)
        some.coco = replace(coco, images=images, annotations=coco.annotations.where(asked))
        some._by_pair = {pair: boxes for pair, boxes in self._by_pair.items() if pair in pairs}
        some._asked = {sample.category_id for sample in samples if sample.category_id is not None}
        return some

    def reward_bounds(self, reading: Reading) -> tuple[float, float]:
        """Lowest and highest reward."""
        return reward_of(reading.profile, reading.space).bounds

    def judge(self, sample: Sample, answer: Answer | None, reading: Reading) -> Judged:
        """Read the boxes of one answer; whatever category it names, they are of the one that was asked."""
        return self.judge_all([sample], [answer], reading)[0]

    def judge_all(self, samples: Sequence[Sample], answers: Sequence[Answer | None], reading: Reading) -> Verdicts:
        """Read the boxes of many answers."""
        return judge_detections(samples, answers, reading)

    def measure(self, judged: Verdicts, reading: Reading) -> Measures:
        """COCO's or LVIS's metrics, over the selected categories and of each."""
        assert isinstance(judged, DetectionVerdicts)
        truth: dict[int, int] = {}
        for (_, category_id), boxes in self._by_pair.items():
            truth[category_id] = truth.get(category_id, 0) + len(boxes)
        measures = measure_detection(self.coco, self.selected, self._asked, truth, judged, reading)
        return replace(measures, notes=[*self.notes, *measures.notes])

    def check_reading(self, reading: Reading) -> None:
        """Also refuse an engine that can't judge by the data's rule."""
        super().check_reading(reading)
        check_engine(reading.engine, self.coco.rule)
