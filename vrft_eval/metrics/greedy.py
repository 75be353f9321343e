"""Greedy matching by confidence, of all groups (an image's boxes of a category) at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vrft_eval.metrics.table import Bools, Floats, Ints

_PAIRS = 2**21


def rank_within(groups: Ints) -> Ints:
    """Place of each entry within its group, from 0; equal groups stand together.

    >>> rank_within(np.array([4, 4, 7, 7, 7])).tolist()
    [0, 1, 0, 1, 2]
    """
    places = np.arange(len(groups))
    starts = np.flatnonzero(np.diff(groups, prepend=groups[:1] - 1))
    ranks: Ints = places - np.repeat(starts, np.diff(starts, append=len(groups)))
    return ranks


def overlapping(
    first: Ints,
    second: Ints,
    corners: Floats,
    others: Floats,
    iou: Callable[[Ints, Ints, Floats], Floats],
    least: float,
) -> tuple[Ints, Ints, Floats]:
    """Pairs of an entry of `first` and one of `second` that are of one group and overlap enough.

    first (n,) and second (m,) are group numbers, corners (4, n) and others (4, m) their boxes x1, y1, x2, y2. Given
    places in each and the area that they share, above 0, iou gives the pairs' IoU; least is above 0. Returns places in
    `first`, places in `second` and IoU, sorted by the first, then the second. Looks at some of `first` at a time, so
    that memory grows with the pairs that overlap, not with all.
    """
    order = np.argsort(second, kind="stable")
    keys = second[order]
    begin = np.searchsorted(keys, first, side="left")
    number = np.searchsorted(keys, first, side="right") - begin
    blocks = np.cumsum(number) // _PAIRS
    found = []
    for rows in np.split(np.arange(len(first)), np.flatnonzero(np.diff(blocks)) + 1):
        many = number[rows]
        one = np.repeat(rows, many)
        other = order[np.repeat(begin[rows] - np.cumsum(many) + many, many) + np.arange(len(one))]
        shared: Floats = np.ones(len(one))
        for low, high in ((0, 2), (1, 3)):
            side = np.minimum(corners[high][one], others[high][other]) - np.maximum(
                corners[low][one], others[low][other]
            )
            some = np.flatnonzero(side > 0)
            one, other, shared = one[some], other[some], shared[some] * side[some]
        value = iou(one, other, shared)
        near = value >= least
        found.append((one[near], other[near], value[near]))
    one, other, value = (np.concatenate(columns) for columns in zip(*found, strict=True))
    return one, other, value


def greedy_iou(detection: Ints, truth: Ints, iou: Floats, rank: Ints, truths: int, thresholds: Floats) -> Floats:
    """IoU of each detection's true box at each threshold, (n, t), 0 where it has none.

    In the order of their ranks within their group (0 first), each detection takes the free true box of highest IoU,
    of equals the last, as COCO does. The pairs are sorted by detection; rank is (n,).
    """
    best_of = np.zeros((len(rank), len(thresholds)))
    free: Bools = np.ones((truths, len(thresholds)), dtype=np.bool_)
    enough = iou[:, None] >= thresholds
    alone = np.bincount(detection, minlength=len(rank))[detection] == 1
    # All first-ranked detections at once, then all second-ranked ones, ...: those of one rank share no true box.
    order = np.argsort(rank[detection], kind="stable")
    for pairs in np.split(order, np.flatnonzero(np.diff(rank[detection][order])) + 1):
        # Most detections overlap one true box only, and take it if it is free.
        single = pairs[alone[pairs]]
        there = free[truth[single]]
        taken = enough[single] & there
        best_of[detection[single]] = np.where(taken, iou[single, None], 0.0)
        free[truth[single]] = there & ~taken
        several = pairs[~alone[pairs]]
        if len(several):
            _take_best(several, detection, truth, iou, enough, free, best_of)
    return best_of


def _take_best(
    pairs: Ints, detection: Ints, truth: Ints, iou: Floats, enough: Bools, free: Bools, best_of: Floats
) -> None:
    """Give each detection of some pairs the free true box of highest IoU, of equals the last."""
    value = np.where(enough[pairs] & free[truth[pairs]], iou[pairs, None], 0.0)
    starts = np.flatnonzero(np.diff(detection[pairs], prepend=-1))
    best = np.maximum.reduceat(value, starts, axis=0)
    is_best = value == np.repeat(best, np.diff(starts, append=len(pairs)), axis=0)
    last = np.maximum.reduceat(np.where(is_best, np.arange(len(pairs))[:, None], -1), starts, axis=0)
    which, threshold = np.nonzero(best > 0)
    free[truth[pairs[last[which, threshold]]], threshold] = False
    best_of[detection[pairs[starts]]] = best
