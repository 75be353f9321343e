"""Which samples a page shows: a fair mix, not the first ones."""

from __future__ import annotations

from collections.abc import Sequence

from vrft_eval.tasks.judged import Judged, Verdicts

MAX_SAMPLES = 200


def choose(judged: Verdicts, limit: int = MAX_SAMPLES) -> list[Judged]:
    """Take samples in turn from every outcome, and within it from every category, until there are enough.

    The chosen ones come back in the data's order.
    """
    if len(judged) <= limit:
        return list(judged)
    groups: dict[str, dict[str, list[int]]] = {}
    for index, (outcome, sample) in enumerate(zip(judged.outcomes, judged.samples, strict=True)):
        groups.setdefault(outcome, {}).setdefault(sample.category or "", []).append(index)
    queues = [_interleave(list(categories.values())) for categories in groups.values()]
    return [judged[index] for index in sorted(_interleave(queues)[:limit])]


def _interleave(queues: Sequence[Sequence[int]]) -> list[int]:
    """Round robin.

    >>> _interleave([[1, 2, 3], [4], [5, 6]])
    [1, 4, 5, 2, 6, 3]
    """
    longest = max((len(queue) for queue in queues), default=0)
    return [queue[turn] for turn in range(longest) for queue in queues if turn < len(queue)]


def chosen_note(shown: int, of: int) -> str:
    """Say which samples are shown.

    >>> chosen_note(2, 2)
    'All 2 samples are shown.'
    """
    if shown == of:
        return f"All {of:,} samples are shown."
    return (
        f"{shown:,} of {of:,} samples are shown: taken in turn from every outcome, and within it from every category. "
        "All answers are in responses.jsonl."
    )
