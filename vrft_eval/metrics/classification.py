"""Accuracy, over all samples and per class."""

from __future__ import annotations

from collections.abc import Sequence


def classification_metrics(
    truth: Sequence[str], predicted: Sequence[str | None]
) -> tuple[float | None, dict[str, float]]:
    """Return the accuracy and that of each true class; None is an answer that names no class, and wrong.

    >>> classification_metrics(["a", "a", "b"], ["a", None, "a"])
    (0.3333333333333333, {'a': 0.5, 'b': 0.0})
    """
    per_class: dict[str, list[bool]] = {}
    for label, guess in zip(truth, predicted, strict=True):
        per_class.setdefault(label, []).append(label == guess)
    right = sum(sum(hits) for hits in per_class.values())
    overall = right / len(truth) if truth else None
    return overall, {label: sum(hits) / len(hits) for label, hits in sorted(per_class.items())}
