"""Which samples a page takes first when it can't have all: a fair mix, not the first ones."""

from __future__ import annotations

from collections.abc import Sequence

from vrft_eval.tasks.judged import Verdicts


def fair_order(judged: Verdicts) -> list[int]:
    """Places of all samples: in turn from every outcome, and within it from every category."""
    groups: dict[str, dict[str, list[int]]] = {}
    for index, (outcome, sample) in enumerate(zip(judged.outcomes, judged.samples, strict=True)):
        groups.setdefault(outcome, {}).setdefault(sample.category or "", []).append(index)
    return _interleave([_interleave(list(categories.values())) for categories in groups.values()])


def _interleave(queues: Sequence[Sequence[int]]) -> list[int]:
    """Round robin.

    >>> _interleave([[1, 2, 3], [4], [5, 6]])
    [1, 4, 5, 2, 6, 3]
    """
    turns = sorted((turn, number) for number, queue in enumerate(queues) for turn in range(len(queue)))
    return [queues[number][turn] for turn, number in turns]
