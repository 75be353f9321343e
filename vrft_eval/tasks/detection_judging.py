"""Reads and pays the answers of a detection task, all at once; one that is looked at, once more by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from vrft_eval.backends.protocol import Answer
from vrft_eval.metrics.greedy import greedy_iou, overlapping, rank_within
from vrft_eval.metrics.table import Floats, Ints
from vrft_eval.samples import Boxes, Sample
from vrft_eval.tasks.base import Reading
from vrft_eval.tasks.detection_reading import NO_OBJECTS, ReadAnswers, read_answers
from vrft_eval.tasks.detection_rewards import default_parts, is_default
from vrft_eval.tasks.judged import Judged, Outcome, Verdicts, completion_of, outcome_of
from vrft_rewards import DetectionReward, Space, parse_response
from vrft_rewards.answers.detections import find_boxes
from vrft_rewards.coordinates import ImageSize, rescaled, space_size
from vrft_rewards.truth import resized

_HIT = 0.5


@lru_cache(maxsize=8)
def reward_of(profile: str, space: Space) -> DetectionReward:
    """The reward that a run is paid by."""
    return DetectionReward(profile, space=space, truth_space="pixels")


@dataclass(frozen=True, eq=False)
class DetectionVerdicts(Verdicts):
    """Judged detection samples: k boxes in pixels xyxy (k, 4), clipped to their images, with confidences (k,).

    number (n,) says how many are whose.
    """

    number: Ints
    boxes: Boxes
    scores: Floats


def judge_detections(
    samples: Sequence[Sample], answers: Sequence[Answer | None], reading: Reading
) -> DetectionVerdicts:
    """Judge each sample's answer; whatever category it names, its boxes are of the one that was asked.

    Boxes are read as `parse_detections` reads them. A profile other than the default reads answers for itself.
    """
    reward = reward_of(reading.profile, reading.space)
    texts = [completion_of(answer) for answer in answers]
    sizes = [sample.size for sample in samples]
    frame_of = {size: _frame(reward, size) for size in set(sizes)}
    frames = [frame_of[size] for size in sizes]
    whole = np.array(sizes, dtype=np.float64).reshape(-1, 2)
    space = np.array(frames, dtype=np.float64).reshape(-1, 2)
    truths = [sample.boxes for sample in samples]
    true_number = np.array([len(boxes) for boxes in truths], dtype=np.int64)
    true = np.concatenate([np.zeros((0, 4)), *truths])

    read = read_answers(texts, frames)
    boxes = _scaled(read.boxes, whole, space, read.number)
    boxes = np.clip(boxes, 0.0, np.repeat(np.hstack([whole, whole]), read.number, axis=0))
    matcher = _Matcher(read, true_number)
    ious = matcher.ious(boxes, true)
    if is_default(reward):
        there = matcher.ious(read.boxes, _scaled(true, space, whole, true_number))
        parts = default_parts(read, there, true_number, reward.profile)
    else:
        scores = [reward.score(text, sample.boxes, sample.size) for text, sample in zip(texts, samples, strict=True)]
        parts = {key: np.array([score.parts[key] for score in scores]) for key in reward.keys}
    rewards = np.zeros(len(samples))
    for key, weight in zip(reward.keys, reward.weights, strict=True):
        rewards += weight * parts[key]

    ends = np.cumsum(read.number).tolist()
    outcomes = _outcomes(answers, read, ious, true_number)

    def judged(place: int) -> Judged:
        sample, text = samples[place], texts[place]
        response, own = parse_response(text), slice(ends[place] - int(read.number[place]), ends[place])
        return Judged(
            sample=sample,
            answer=answers[place],
            response=response,
            status=read.statuses[place],
            issues=tuple(find_boxes(response.answer, frames[place]).issues),
            score=reward.score(text, sample.boxes, sample.size),
            outcome=outcomes[place],
            boxes=boxes[own],
            scores=read.scores[own],
            ious=ious[own],
        )

    return DetectionVerdicts(
        samples=samples,
        answers=answers,
        outcomes=outcomes,
        statuses=read.statuses,
        well_formed=read.well_formed,
        rewards=rewards.tolist(),
        parts={key: column.tolist() for key, column in parts.items()},
        judged=judged,
        number=read.number,
        boxes=boxes,
        scores=read.scores,
    )


def _outcomes(answers: Sequence[Answer | None], read: ReadAnswers, ious: Floats, true_number: Ints) -> list[Outcome]:
    number = read.number
    hits = np.bincount(np.repeat(np.arange(len(number)), number)[ious > 0], minlength=len(number))
    whole = ((hits == number) & (hits == true_number)).tolist()
    outcomes: list[Outcome] = []
    for answer, status, all_right, some in zip(answers, read.statuses, whole, hits.tolist(), strict=True):
        verdict: Outcome = "partly" if some else "wrong"
        if all_right and (some or status == NO_OBJECTS):
            verdict = "right"
        outcomes.append(outcome_of(answer, verdict))
    return outcomes


def _frame(reward: DetectionReward, size: ImageSize) -> ImageSize:
    """The size of the whole image in the answers' coordinates."""
    found = space_size(reward.profile.space, size, resized(reward.profile, size))
    assert found is not None
    return found


def _scaled(boxes: Boxes, to: Floats, of: Floats, number: Ints) -> Boxes:
    """Boxes (n, 4) from frames of one size to those of another; sizes are (samples, 2), numbers of boxes (samples,)."""
    return rescaled(boxes, *(np.repeat(np.hstack([sizes, sizes]), number, axis=0) for sizes in (to, of)))


class _Matcher:
    """Matches the boxes that were read to the true ones by `match_boxes`' greedy rule at .5, in any coordinates."""

    def __init__(self, read: ReadAnswers, true_number: Ints) -> None:
        self._asked = np.repeat(np.arange(len(read.number)), read.number)
        # Of equals `greedy_iou` takes the last and `match_boxes` the first: so the true boxes stand backwards.
        self._offered = np.repeat(np.arange(len(true_number)), true_number)[::-1]
        order = np.lexsort((-read.scores, self._asked))
        self._rank = np.empty(len(order), dtype=np.int64)
        self._rank[order] = rank_within(self._asked)

    def ious(self, boxes: Boxes, true: Boxes) -> Floats:
        """IoU of each box with the true box it is matched to, (k,), 0 for none."""
        corners, others = boxes.T.copy(), true[::-1].T.copy()
        iou = partial(_iou, *((c[2] - c[0]) * (c[3] - c[1]) for c in (corners, others)))
        found = overlapping(self._asked, self._offered, corners, others, iou, _HIT)
        return greedy_iou(*found, self._rank, len(true), np.array([_HIT]))[:, 0]


def _iou(areas: Floats, true_areas: Floats, one: Ints, other: Ints, shared: Floats) -> Floats:
    """IoU of pairs of boxes, (p,), by the arithmetic of `vrft_rewards.box_iou`."""
    union = areas[one] + true_areas[other] - shared
    iou: Floats = np.minimum(np.divide(shared, union, out=np.zeros_like(union), where=union > 0), 1.0)
    return iou
