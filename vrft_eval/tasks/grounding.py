"""Grounding: the one box that a description means, and the mask inside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from vrft_eval.backends.protocol import Answer
from vrft_eval.datasets import load_grounding
from vrft_eval.images import load_image
from vrft_eval.masks import BoxToMask, fill_boxes
from vrft_eval.metrics import Overlap, box_metrics, mask_metrics, overlap_of
from vrft_eval.metrics.bootstrap import Terms
from vrft_eval.metrics.correlation import Quality
from vrft_eval.quiet import quiet_transformers
from vrft_eval.rle import Mask, decode_rle, encode_rle
from vrft_eval.samples import Sample
from vrft_eval.schemas import Gate
from vrft_eval.tasks.base import (
    Judged,
    LoadOptions,
    Measures,
    Outcome,
    Reading,
    TaskData,
    TaskSpec,
    clip_boxes,
    completion_of,
    draw,
    outcome_of,
    term_records,
)
from vrft_eval.tasks.prompts import fill
from vrft_rewards import GroundingReward, box_iou, parse_box, parse_response, to_pixels


class GroundingData(TaskData):
    """Described boxes of one task. Raises InputError for data that doesn't fit."""

    headline = "mIoU"

    def __init__(self, spec: TaskSpec, options: LoadOptions) -> None:
        self.spec = spec
        self.notes: list[str] = []
        whole = load_grounding(options.data)
        self._names = {item.name for item in whole}
        self._items = draw(whole, options.limit, options.seed)

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
                truth=np.array(item.box),
                category=item.text,
                image_id=item.name,
                mask=item.mask,
            )
            for item in self._items
        )

    def reward_bounds(self, reading: Reading) -> tuple[float, float]:
        """Lowest and highest reward."""
        return _reward(reading).bounds

    def check_reading(self, reading: Reading) -> None:
        """Load SAM now when it will be needed: a broken one must not show after hours of answers."""
        super().check_reading(reading)
        if reading.sam is not None and any(item.mask is not None for item in self._items):
            _load_sam(reading.sam, reading.device)

    def judge(self, sample: Sample, answer: Answer | None, reading: Reading) -> Judged:
        """Read the box of one answer; of several the first counts."""
        text = completion_of(answer)
        response = parse_response(text)
        found = parse_box(response.answer, reading.space, sample.size)
        boxes = np.zeros((0, 4)) if found.box is None else found.box.reshape(1, 4)
        boxes = clip_boxes(to_pixels(boxes, reading.space, sample.size), sample.size)
        ious = box_iou(boxes, sample.boxes).reshape(-1)
        verdict: Outcome = "right" if len(ious) and ious[0] >= 0.5 else "wrong"
        return Judged(
            sample=sample,
            answer=answer,
            response=response,
            status=str(found.status),
            issues=found.issues,
            score=_reward(reading).score(text, sample.boxes[0], sample.size),
            outcome=outcome_of(answer, verdict),
            boxes=boxes,
            scores=np.ones(len(boxes)),
            ious=ious,
        )

    def measure(self, judged: Sequence[Judged], reading: Reading) -> Measures:
        """Box mIoU and accuracy; gIoU and cIoU of masks over the samples that have a true mask."""
        ious = [float(item.ious[0]) if len(item.ious) else 0.0 for item in judged]
        masked = [item for item in judged if item.sample.mask is not None]
        overlaps: list[Overlap] = []
        masks = {}
        notes = list(self.notes)
        if masked:
            segment, name = _segmenter(reading)
            notes.append(f"Masks for gIoU and cIoU: {name}.")
            for item in masked:
                predicted = segment(item)
                overlaps.append(overlap_of(predicted, decode_rle(item.sample.mask or {})))
                if predicted is not None and reading.sam is not None:
                    masks[item.sample.id] = encode_rle(predicted)
            if len(masked) < len(judged):
                notes.append(f"gIoU and cIoU are over the {len(masked)} of {len(judged)} samples with a true mask.")
        else:
            notes.append("The data hold no masks, so gIoU and cIoU are n/a.")
        predictions: list[dict[str, Any]] = [
            {"id": item.sample.id, "box": item.boxes[0].tolist() if len(item.boxes) else None} for item in judged
        ]
        return Measures(
            metrics={**box_metrics(ious), **mask_metrics(overlaps, overlaps)},
            per_category={},
            predictions=predictions,
            counts={
                "images": len(judged),
                "true_masks": len(masked),
                "no_box": sum(len(item.boxes) == 0 for item in judged),
            },
            notes=notes,
            masks=masks,
            records=term_records(judged, mIoU=Terms.mean(ious), Acc50=Terms.mean([iou >= 0.5 for iou in ious])),
            quality=Quality("IoU", np.array(ious, dtype=np.float64)),
        )


def _segmenter(reading: Reading) -> tuple[Callable[[Judged], Mask | None], str]:
    if reading.sam is None:
        return _fill, "the predicted box, filled (--sam none)"
    sam = _load_sam(reading.sam, reading.device)

    def segment(item: Judged) -> Mask | None:
        if not len(item.boxes):
            return None
        return np.asarray(sam.masks(load_image(item.sample.image), item.boxes)[0], dtype=bool)

    return segment, f"SAM, prompted with the predicted box ({reading.sam.name})"


@lru_cache(maxsize=1)
def _load_sam(path: Path, device: str) -> BoxToMask:
    quiet_transformers()
    return BoxToMask(path, device=device)


def _fill(item: Judged) -> Mask | None:
    return fill_boxes(item.boxes, item.sample.size)[0] if len(item.boxes) else None


@lru_cache(maxsize=8)
def _reward(reading: Reading) -> GroundingReward:
    return GroundingReward(reading.profile, space=reading.space, truth_space="pixels")
