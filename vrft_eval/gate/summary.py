"""What a gate did to a run, in numbers and in words: every report of a detection run carries both."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from vrft_eval.gate.models import ExistMap, Gate, GateSummary
from vrft_eval.tasks.detection import DetectionData

_NAMED = 10

_MEANING: dict[Gate, str] = {
    "none": "Gate none: every category was asked of every image, so the model itself had to say what is not there: the "
    "hardest gate.",
    "truth": "Gate truth: only categories with ground truth in the image were asked. The model never sees a category "
    "that isn't there and can't invent one, so scores are higher than with gate none, model or file and can't be "
    "compared with theirs, nor with the paper's.",
    "negatives": "Gate negatives: only categories in the image and those verified to be absent from it were asked; the "
    "model can invent an object only of the latter. Comparable only with runs of the same gate.",
    "recorded": "Gate recorded: the (image, category) pairs asked are those of the recorded answers. Comparable only "
    "with runs that asked the same pairs.",
    "model": "Gate model: the model was first asked which categories are in the image, then for boxes of those only. "
    "Where it wrongly says no, the true boxes count as missed. The paper's tables used the map of the model before "
    "fine-tuning, for every model of its size.",
    "file": "Gate file: only the categories that an exist map names for the image were asked. Where it lacks one, the "
    "true boxes count as missed. Comparable with runs over the same map.",
}


def summarise_gate(data: DetectionData, asked: Iterable[tuple[int, int]], exist_map: ExistMap | None) -> GateSummary:
    """Compare the asked (image, category) pairs with the truth, over the selected categories.

    A pair counts for the precision when it is known whether the category is there: in LVIS, if it is in the image's
    truth or verified to be absent. A pair that has nothing but crowds or boxes without area counts for neither.
    """
    selected = data.selected
    passed = {pair for pair in asked if pair[1] in selected}
    true = {pair: len(boxes) for pair, boxes in data.truth.items() if pair[1] in selected}
    doubtful = set(data.coco.annotations.pairs()) - true.keys()
    absent = {image.id: image.negatives for image in data.coco.images} if data.coco.rule == "lvis" else None
    found = len(true.keys() & passed)
    wrong = passed - true.keys() - doubtful
    known = len(wrong) if absent is None else sum(pair[1] in absent[pair[0]] for pair in wrong)
    hidden = [true[pair] for pair in true.keys() - passed]
    never = [] if exist_map is None else _never_named(data, {key for _, key in true}, exist_map)
    return GateSummary(
        pairs=len(data.coco.images) * len(selected),
        asked=len(passed),
        precision=found / (found + known) if found + known else None,
        recall=found / len(true) if true else None,
        hidden_pairs=len(hidden),
        hidden_boxes=sum(hidden),
        ceiling=_ceiling(data, passed),
        answers=None if exist_map is None else exist_map.answers,
        never_named=never,
    )


def _ceiling(data: DetectionData, passed: Collection[tuple[int, int]]) -> float | None:
    """mAP of a detector that finds every box it is asked for and no other: the mean over categories of the share of
    COCO's 101 recall points that it reaches."""
    boxes = data.coco.annotations.where(~data.coco.annotations.crowd)
    asked = np.array([pair in passed for pair in boxes.pairs()], dtype=np.bool_)
    keys, which = np.unique(boxes.category_id, return_inverse=True)
    share = np.bincount(which, asked, len(keys)) / np.bincount(which, minlength=len(keys))
    points = np.linspace(0.0, 1.0, 101)
    reached = np.searchsorted(points, share, side="right") * (share > 0)
    mine = np.isin(keys, list(data.selected))
    return float(np.mean(reached[mine])) / len(points) if mine.any() else None


def _never_named(data: DetectionData, true: set[int], exist_map: ExistMap) -> list[str]:
    named = {name for names in exist_map.images.values() for name in names}
    return [name for key, name in data.coco.categories.items() if key in true and name not in named]


def gate_notes(gate: Gate, summary: GateSummary) -> list[str]:
    """What a reader has to know: what the gate means, what it let through, what it hid, how it was answered."""
    share = f"precision {_share(summary.precision)}, recall {_share(summary.recall)} against the truth"
    notes = [
        _MEANING[gate],
        f"The gate let {summary.asked:,} of {summary.pairs:,} (image, category) pairs through: {share}.",
    ]
    if summary.hidden_pairs:
        notes.append(
            f"{summary.hidden_pairs:,} (image, category) pairs with ground truth were not asked; their "
            f"{summary.hidden_boxes:,} boxes count as missed. A detector that finds every box it is asked for would "
            f"reach an mAP of {_share(summary.ceiling)}."
        )
    answers = summary.answers
    if answers is not None:
        unknown = f"; {answers.unknown_names:,} names in the answers are no category's" if answers.unknown_names else ""
        notes.append(
            f"{answers.questions:,} gate questions, {answers.unclear:,} answers unclear, {answers.failed:,} failed "
            f"(their categories were asked for boxes){unknown}."
        )
    if summary.never_named:
        listed = ", ".join(summary.never_named[:_NAMED]) + (", …" if len(summary.never_named) > _NAMED else "")
        notes.append(
            f"{len(summary.never_named):,} categories with ground truth are in no image according to the exist map, so "
            f"none of their objects could be found: {listed}."
        )
    return notes


def _share(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
