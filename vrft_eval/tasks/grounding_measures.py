"""From judged groundings to metrics of boxes, and of the masks that a SAM makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vrft_eval.masks import fill_boxes
from vrft_eval.masks.saved import SavedMasks
from vrft_eval.masks.segment import Asked, SamOptions, segment
from vrft_eval.metrics import LISA, VISUAL_RFT, MaskRule, Overlap, box_metrics, mask_metrics, overlap_of, polygon_mask
from vrft_eval.metrics.bootstrap import Terms
from vrft_eval.metrics.correlation import Quality
from vrft_eval.rle import Mask, decode_rle
from vrft_eval.samples import Sample
from vrft_eval.tasks.base import Measures, Reading, term_records
from vrft_eval.tasks.judged import Judged


def sam_options(reading: Reading) -> SamOptions | None:
    """The SAM of `--sam`; None when boxes are filled."""
    if reading.sam is None:
        return None
    return SamOptions(reading.sam, reading.device, reading.sam_dtype, reading.sam_choice, reading.sam_fingerprint)


def measure_grounding(judged: Sequence[Judged], reading: Reading, notes: Sequence[str]) -> Measures:
    """mIoU and accuracy of boxes, over the samples with something to find; gIoU and cIoU over those with a true mask.

    Raises InputError for an image that SAM needs and that can't be read.
    """
    ious = [_iou(item) for item in judged]
    found = [iou for iou in ious if not math.isnan(iou)]
    masks = _measure_masks(judged, reading)
    empty = len(judged) - len(found)
    said = [*notes, *masks.notes]
    if empty:
        said.append(
            f"{empty} samples have nothing to find: left out of mIoU and Acc50, and paid for their format only."
        )
    hits = [math.nan if math.isnan(iou) else float(iou >= 0.5) for iou in ious]
    return Measures(
        metrics={**box_metrics(found), **mask_metrics(masks.lisa, masks.visual_rft)},
        per_category={},
        predictions=[
            {"id": item.sample.id, "box": item.boxes[0].tolist() if len(item.boxes) else None} for item in judged
        ],
        counts={
            "images": len({item.sample.image for item in judged}),
            "true_masks": len(masks.lisa),
            "nothing_to_find": empty,
            "no_box": sum(len(item.boxes) == 0 for item in judged),
        },
        notes=said,
        masks=masks.predicted,
        records=term_records(judged, mIoU=Terms.mean(ious), Acc50=Terms.mean(hits), **masks.terms(judged)),
        quality=Quality("IoU", np.array(ious, dtype=np.float64)),
        files=masks.files,
    )


def _iou(item: Judged) -> float:
    if not len(item.sample.boxes):
        return math.nan
    return float(item.ious[0]) if len(item.ious) else 0.0


@dataclass
class _Masks:
    """Overlaps of masks by sample, and what there is to say of them."""

    by_lisa: dict[str, Overlap] = field(default_factory=dict)
    by_visual_rft: dict[str, Overlap] = field(default_factory=dict)
    predicted: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def lisa(self) -> list[Overlap]:
        return list(self.by_lisa.values())

    @property
    def visual_rft(self) -> list[Overlap]:
        return list(self.by_visual_rft.values())

    def terms(self, judged: Sequence[Judged]) -> dict[str, Terms]:
        if not self.by_lisa:
            return {}
        keys = [item.sample.id for item in judged]
        return {**_terms(keys, self.by_lisa, LISA, ""), **_terms(keys, self.by_visual_rft, VISUAL_RFT, "_visual_rft")}


def _terms(keys: Sequence[str], overlaps: dict[str, Overlap], rule: MaskRule, suffix: str) -> dict[str, Terms]:
    nothing = Overlap(0, 0)
    pairs = [overlaps.get(key, nothing) for key in keys]
    shares = [rule.share(overlaps[key]) if key in overlaps else math.nan for key in keys]
    top = np.array([pair.intersection for pair in pairs], dtype=np.float64)
    bottom = np.array([pair.union for pair in pairs], dtype=np.float64)
    return {f"gIoU{suffix}": Terms.mean(shares), f"cIoU{suffix}": Terms(top, bottom, rule.total_epsilon)}


def _measure_masks(judged: Sequence[Judged], reading: Reading) -> _Masks:
    masked = [item for item in judged if item.sample.mask is not None]
    if not masked:
        return _Masks(notes=["The data hold no masks, so gIoU and cIoU are n/a."])
    found = _Masks()
    sam = sam_options(reading)
    if sam is None:
        found.notes.append("Masks for gIoU and cIoU: the predicted box, filled (--sam none).")
    else:
        saved = SavedMasks(reading.masks_file, sam.fingerprint)
        found.predicted = segment(map(_asked, filter(_has_box, masked)), sam, saved)
        found.files["masks.jsonl"] = saved.content()
        found.notes.append(
            f"Masks for gIoU and cIoU: SAM, prompted with the predicted box ({sam.path.name}, {sam.dtype}, mask "
            f"{sam.choice})."
        )
    polygons = any(item.sample.polygon is not None for item in masked)
    if not polygons:
        found.notes.append("The data hold no polygons, so the visual-rft rule was applied to the whole true masks.")
    for item in masked:
        sample, guess = item.sample, _predicted(item, found.predicted, sam)
        truth = decode_rle(sample.mask or {})
        ignore = None if sample.ignore is None else decode_rle(sample.ignore)
        found.by_lisa[sample.id] = overlap_of(guess, truth, ignore)
        released = _released_truth(sample, truth, polygons)
        if released is not None:
            found.by_visual_rft[sample.id] = overlap_of(guess, released)
    if len(masked) < len(judged):
        found.notes.append(f"gIoU and cIoU are over the {len(masked)} of {len(judged)} samples with a true mask.")
    return found


def _has_box(item: Judged) -> bool:
    return len(item.boxes) > 0


def _asked(item: Judged) -> Asked:
    return Asked(item.sample.id, item.sample.image, item.sample.size, item.boxes[0].tolist())


def _predicted(item: Judged, masks: dict[str, dict[str, Any]], sam: SamOptions | None) -> Mask | None:
    if not _has_box(item):
        return None
    if sam is None:
        filled: Mask = fill_boxes(item.boxes[:1], item.sample.size)[0]
        return filled
    return decode_rle(masks[item.sample.id])


def _released_truth(sample: Sample, truth: Mask, polygons: bool) -> Mask | None:
    """What Visual-RFT's script takes for the truth: the first polygon alone; None where it leaves the image out."""
    if sample.polygon is not None:
        return polygon_mask(sample.polygon, sample.size)
    return None if polygons else truth
