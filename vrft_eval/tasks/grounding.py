"""Grounding: the one box that a description means, and the mask inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from vrft_eval.backends.protocol import Answer
from vrft_eval.datasets import LoadOptions, load_grounding
from vrft_eval.findings import Findings
from vrft_eval.masks.saved import SavedMasks
from vrft_eval.samples import Sample
from vrft_eval.schemas import Gate
from vrft_eval.tasks.base import (
    Measures,
    Reading,
    TaskData,
    TaskSpec,
    clip_boxes,
    draw,
)
from vrft_eval.tasks.grounding_measures import measure_grounding, sam_options
from vrft_eval.tasks.judged import Judged, Outcome, Verdicts, completion_of, outcome_of
from vrft_eval.tasks.prompts import fill, load, unfill
from vrft_rewards import GroundingReward, Score, Status, box_iou, parse_box, parse_response, to_pixels
from vrft_rewards.truth import resized


class GroundingData(TaskData):
    """Described boxes of one task. Raises InputError for data that doesn't fit."""

    headline = "mIoU"

    def __init__(self, spec: TaskSpec, options: LoadOptions, findings: Findings | None = None) -> None:
        findings = self._begin(spec, options, findings)
        template = load(spec.prompt)
        whole = load_grounding(spec.loader, options, findings, lambda text: unfill(template, text, "question"))
        self.origin = whole.origin
        self._compare_count(len(whole.images) + len(whole.origin.left_out))
        self.file, self.whole = whole.file, whole.images
        self._names = {item.name for item in whole.images}
        self._items = draw(whole.images, options.limit, options.seed)

    def every_image(self) -> set[Path]:
        """The images of the whole data, however few are drawn."""
        return {item.path for item in self.whole}

    def images(self) -> Mapping[Path, tuple[int, int] | None]:
        """Every image with the size the data claim."""
        return {item.path: item.size for item in self._items}

    def known(self, key: str) -> str | None:
        """Say what is wrong with an id (an image's file name without its ending), or None."""
        return None if key in self._names else "unknown image"

    def samples(self, template: str, gate: Gate | None, recorded: Sequence[str] = ()) -> tuple[Sample, ...]:  # noqa: ARG002
        """One sample per line of the data."""
        return tuple(
            Sample(
                id=item.name,
                image=item.path,
                image_size=item.size,
                prompt=fill(template, question=item.text),
                kind="grounding",
                truth=np.zeros((0, 4)) if item.box is None else np.array(item.box),
                category=item.text,
                image_id=item.name,
                mask=item.mask,
                ignore=item.ignore,
                polygon=item.polygon,
            )
            for item in self._items
        )

    def reward_bounds(self, reading: Reading) -> tuple[float, float]:
        """Lowest and highest reward."""
        return _reward(reading).bounds

    def check_reading(self, reading: Reading) -> None:
        """Load SAM now when it will be needed: a broken one must not show after hours of answers."""
        super().check_reading(reading)
        sam = sam_options(reading)
        if sam is None or all(item.mask is None for item in self._items):
            return
        # A SAM whose masks are saved has worked before, and may not be needed again.
        if SavedMasks(reading.masks_file, sam.fingerprint).empty:
            sam.load()

    def judge(self, sample: Sample, answer: Answer | None, reading: Reading) -> Judged:
        """Read the box of one answer; of several the first counts."""
        text = completion_of(answer)
        response = parse_response(text)
        shown = resized(_reward(reading).profile, sample.size)
        found = parse_box(response.answer, reading.space, sample.size, resized_size=shown)
        boxes = np.zeros((0, 4)) if found.box is None else found.box.reshape(1, 4)
        boxes = clip_boxes(to_pixels(boxes, reading.space, sample.size, shown), sample.size)
        ious = box_iou(boxes, sample.boxes).reshape(-1)
        hit = bool((ious[:1] >= 0.5).any()) if len(sample.boxes) else found.status is Status.NO_OBJECTS
        verdict: Outcome = "right" if hit else "wrong"
        return Judged(
            sample=sample,
            answer=answer,
            response=response,
            status=str(found.status),
            issues=found.issues,
            score=_score(sample, text, reading),
            outcome=outcome_of(answer, verdict),
            boxes=boxes,
            scores=np.ones(len(boxes)),
            ious=ious,
        )

    def measure(self, judged: Verdicts, reading: Reading) -> Measures:
        """Box mIoU and accuracy; gIoU and cIoU of masks over the samples that have a true mask."""
        return measure_grounding(judged, reading, self.notes)


def _score(sample: Sample, text: str, reading: Reading) -> Score:
    reward = _reward(reading)
    if len(sample.boxes):
        return reward.score(text, sample.boxes[0], sample.size)
    # The reward is of a box; where there is none to find only the format can be paid.
    width, height = sample.size
    paid = reward.score(text, [0, 0, width, height], sample.size).parts["format"]
    parts = {key: paid if key == "format" else 0.0 for key in reward.keys}
    return Score(reward.profile.format_weight * paid, parts, "there is nothing to find: paid for the format only")


@lru_cache(maxsize=8)
def _reward(reading: Reading) -> GroundingReward:
    return GroundingReward(reading.profile, space=reading.space, truth_space="pixels")
