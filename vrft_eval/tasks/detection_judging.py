"""Reads and pays the answers of a detection task: texts one by one, boxes all at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np

from vrft_eval.backends.protocol import Answer
from vrft_eval.metrics.greedy import greedy_iou, overlapping, rank_within
from vrft_eval.metrics.table import Floats, Ints
from vrft_eval.samples import Boxes, Sample
from vrft_eval.tasks.base import Judged, Outcome, Reading, completion_of, outcome_of
from vrft_rewards import DetectionProfile, DetectionReward, Space, Status, parse_response
from vrft_rewards.answers.detections import Found, find_boxes
from vrft_rewards.boxes import Corners
from vrft_rewards.coordinates import ImageSize, rescaled, space_size
from vrft_rewards.truth import resized

_HIT = 0.5
_READING = ("out_of_range", "inverted", "missing_confidence", "max_boxes", "answer", "drop_duplicates")
"""The fields of a profile that say how an answer is read."""


@lru_cache(maxsize=8)
def reward_of(profile: str, space: Space) -> DetectionReward:
    """The reward that a run is paid by."""
    return DetectionReward(profile, space=space, truth_space="pixels")


def judge_detections(samples: Sequence[Sample], answers: Sequence[Answer | None], reading: Reading) -> list[Judged]:
    """Judge each sample's answer; whatever category it names, its boxes are of the one that was asked.

    Boxes are read as `parse_detections` reads them. A profile that reads answers in another way reads them for itself.
    """
    reward = reward_of(reading.profile, reading.space)
    plain = all(getattr(reward.profile, name) == getattr(DetectionProfile(), name) for name in _READING)
    whole = np.array([sample.size for sample in samples], dtype=np.float64).reshape(-1, 2)
    frames = [_frame(reward, sample.size) for sample in samples]
    space = np.array(frames, dtype=np.float64).reshape(-1, 2)
    truths = [sample.boxes for sample in samples]
    true_number = np.array([len(boxes) for boxes in truths], dtype=np.int64)
    true = np.concatenate([np.zeros((0, 4)), *truths])
    seen: list[Corners] = list(zip(*_scaled(true, space, whole, true_number).T.tolist(), strict=True))
    ends = [0, *np.cumsum(true_number).tolist()]

    responses, found, scores = [], [], []
    for number, (sample, answer) in enumerate(zip(samples, answers, strict=True)):
        text = completion_of(answer)
        response = parse_response(text)
        read = find_boxes(response.answer, frames[number])
        if plain:
            measured = reward.measure_found(text, response.issues, read, seen[ends[number] : ends[number + 1]])
        else:
            measured = reward.measure(text, sample.boxes, sample.size)
        responses.append(response)
        found.append(read)
        scores.append(reward.total(measured))

    number_of = np.array([len(read.boxes) for read in found], dtype=np.int64)
    boxes = _scaled(_array(found, int(number_of.sum())), whole, space, number_of)
    boxes = np.clip(boxes, 0.0, np.repeat(np.hstack([whole, whole]), number_of, axis=0))
    confidences = np.fromiter(chain.from_iterable(read.scores for read in found), np.float64, int(number_of.sum()))
    ious = _ious(boxes, confidences, number_of, true, true_number)
    hits = np.bincount(np.repeat(np.arange(len(samples)), number_of)[ious > 0], minlength=len(samples))
    judged = []
    spans = pairwise([0, *np.cumsum(number_of).tolist()])
    right = ((hits == number_of) & (hits == true_number)).tolist()
    rows = zip(samples, answers, responses, found, scores, spans, right, hits.tolist(), strict=True)
    for sample, answer, response, read, score, (first, last), all_right, some in rows:
        verdict: Outcome = "partly" if some else "wrong"
        if all_right and (some or read.status is Status.NO_OBJECTS):
            verdict = "right"
        judged.append(
            Judged(
                sample=sample,
                answer=answer,
                response=response,
                status=read.status.value,
                issues=tuple(read.issues),
                score=score,
                outcome=outcome_of(answer, verdict),
                boxes=boxes[first:last],
                scores=confidences[first:last],
                ious=ious[first:last],
            )
        )
    return judged


def _frame(reward: DetectionReward, size: ImageSize) -> ImageSize:
    """The size of the whole image in the answers' coordinates."""
    found = space_size(reward.profile.space, size, resized(reward.profile, size))
    assert found is not None
    return found


def _array(found: Sequence[Found], number: int) -> Boxes:
    corners = chain.from_iterable(chain.from_iterable(read.boxes for read in found))
    return np.fromiter(corners, np.float64, 4 * number).reshape(-1, 4)


def _scaled(boxes: Boxes, to: Floats, of: Floats, number: Ints) -> Boxes:
    """Boxes (n, 4) from frames of one size to those of another; sizes are (samples, 2), numbers of boxes (samples,)."""
    return rescaled(boxes, *(np.repeat(np.hstack([sizes, sizes]), number, axis=0) for sizes in (to, of)))


def _ious(boxes: Boxes, confidences: Floats, number: Ints, true: Boxes, true_number: Ints) -> Floats:
    """IoU of each box with the true box it is matched to by `match_boxes`' greedy rule at .5; 0 for none."""
    sample = np.repeat(np.arange(len(number)), number)
    order = np.lexsort((np.arange(len(boxes)), -confidences, sample))
    rank = np.empty(len(boxes), dtype=np.int64)
    rank[order] = rank_within(sample)
    offered = np.repeat(np.arange(len(true_number)), true_number)
    detection, truth, iou = overlapping(sample, offered, lambda one, other: _iou(boxes[one], true[other]), _HIT)
    return greedy_iou(detection, truth, iou, rank, len(true), np.array([_HIT]))[:, 0]


def _iou(first: Boxes, second: Boxes) -> Floats:
    """IoU of pairs of boxes, (p,), by the arithmetic of `vrft_rewards.box_iou`."""
    a, b = first.T, second.T
    width = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0])
    height = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1])
    shared = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    iou: Floats = np.minimum(np.divide(shared, union, out=np.zeros_like(union), where=union > 0), 1.0)
    return iou
