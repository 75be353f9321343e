"""One row a sample: the table that is written as CSV and Parquet, and shown by the trackers that have tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vrft_eval.export.runs import ExportedRun
from vrft_eval.tasks import Judged

PART = "reward_"
"""What the names of the columns of reward parts begin with."""


def sample_table(runs: Sequence[ExportedRun]) -> Any:
    """The samples of runs as a pyarrow.Table; null where a kind of task has no such thing, or a reward no such part.

    Boxes are pixels xyxy, (n, 4) as lists of lists; confidences and ious are those of the predicted ones, an IoU 0
    where a box is matched to none. `iou` is the mean over the true boxes, 0 for one that was missed, and null where
    there is nothing to find; `confidence` is the highest, and null for grounding, which has none.
    """
    import pyarrow as pa

    text, real, whole = pa.string(), pa.float64(), pa.int64()
    reals = pa.list_(real)
    parts = list(dict.fromkeys(PART + key for run in runs for key in run.report.rewards.parts))
    kinds = {
        **dict.fromkeys(("run", "task", "model", "id", "image", "category", "outcome"), text),
        **dict.fromkeys(("reward", *parts), real),
        "reason": text,
        "format": pa.bool_(),
        **dict.fromkeys(("format_issues", "read_as"), text),
        **dict.fromkeys(("iou", "confidence"), real),
        **dict.fromkeys(("n_true", "n_predicted"), whole),
        **dict.fromkeys(("true_label", "predicted_label"), text),
        **dict.fromkeys(("true_boxes", "predicted_boxes"), pa.list_(reals)),
        **dict.fromkeys(("confidences", "ious"), reals),
        "tokens": whole,
        **dict.fromkeys(("error", "prompt", "completion"), text),
    }
    rows = [_row(run, item) for run in runs for item in run.judged or ()]
    return pa.table(
        {name: pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items()},
        schema=pa.schema(list(kinds.items())),
    )


def _row(run: ExportedRun, item: Judged) -> dict[str, Any]:
    sample, answer = item.sample, item.answer
    row: dict[str, Any] = {
        "run": run.name,
        "task": run.report.task,
        "model": run.report.model,
        "id": sample.id,
        "image": sample.image.name,
        "category": sample.category,
        "outcome": item.outcome,
        "reward": item.score.value,
        **{PART + key: value for key, value in item.score.parts.items()},
        "reason": item.score.reason,
        "format": item.response.well_formed,
        "format_issues": ", ".join(map(str, item.response.issues)),
        "read_as": item.status,
        "tokens": None if answer is None else answer.tokens,
        "error": None if answer is None else answer.error,
        "prompt": sample.prompt,
        "completion": None if answer is None else answer.completion,
    }
    if isinstance(sample.truth, str):
        row |= {"true_label": sample.truth, "predicted_label": item.label}
    else:
        row |= _boxes(item)
    return {name: _encodable(value) if isinstance(value, str) else value for name, value in row.items()}


def _boxes(item: Judged) -> dict[str, Any]:
    detection, ious, true = item.sample.kind == "detection", item.ious.tolist(), item.sample.boxes
    confidences = item.scores.tolist() if detection else None
    found = sum(ious) / max(len(true), 1) if detection else sum(ious[:1])
    return {
        "iou": found if len(true) else None,
        "confidence": max(confidences) if confidences else None,
        "n_true": len(true),
        "n_predicted": len(item.boxes),
        "true_boxes": true.tolist(),
        "predicted_boxes": item.boxes.tolist(),
        "confidences": confidences,
        "ious": ious,
    }


def _encodable(text: str) -> str:
    """The text itself, but for lone surrogates, which UTF-8 doesn't have: they become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
