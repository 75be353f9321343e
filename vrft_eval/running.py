"""The headline metric while a run goes on, over the samples that are answered so far."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from vrft_eval.backends.protocol import Answer
from vrft_eval.metrics.detection import detection_metrics
from vrft_eval.metrics.table import Floats, Ints, make_table
from vrft_eval.samples import Boxes, Sample
from vrft_eval.tasks import Reading, TaskData, Verdicts
from vrft_eval.tasks.detection import DetectionData
from vrft_eval.tasks.detection_judging import DetectionVerdicts

_SHARE = 0.05
_EVERY = 1.0
_AT_ONCE = 1000


class Running:
    """Judges each answer once, and measures what is answered every second or, where that costs more, less often.

    No more than a twentieth of the time goes into it, but for the last answer, whose value is always that of all of
    them. answers are those that are there already.
    """

    def __init__(
        self,
        data: TaskData,
        samples: Sequence[Sample],
        answers: Iterable[Answer],
        reading: Reading,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._data, self._reading, self._clock = data, reading, clock
        self._samples = {sample.id: sample for sample in samples}
        self._waiting = [answer for answer in answers if answer.id in self._samples]
        self._seen: _Seen = _Detected(data) if isinstance(data, DetectionData) else _Mean(data.headline)
        self._left = len(self._samples) - len(self._waiting)
        self._next = clock() + _EVERY
        self._value: float | None = None

    def after(self, answer: Answer) -> tuple[str, float] | None:
        """Take one more answer; returns the metric's name and its latest value, None while there is none."""
        self._waiting.append(answer)
        self._left -= 1
        if not self._left:
            while not self._judge_some():
                pass
            self._value = self._seen.value()
        began = self._clock()
        if began >= self._next:
            whole = self._judge_some()
            if whole:
                self._value = self._seen.value()
            spent = self._clock() - began
            self._next = began + spent + max(_EVERY if whole else 0.0, spent * (1 / _SHARE - 1))
        return None if self._value is None else (self._data.headline, self._value)

    def _judge_some(self) -> bool:
        # A run that is continued has many answers at once: they are judged bit by bit.
        some, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
        samples = [self._samples[answer.id] for answer in some]
        self._seen.add(self._data.judge_all(samples, some, self._reading))
        return not self._waiting


class _Seen(ABC):
    """What is kept of judged answers: little, for there may be very many."""

    @abstractmethod
    def add(self, judged: Verdicts) -> None: ...

    @abstractmethod
    def value(self) -> float | None: ...


class _Mean(_Seen):
    """Accuracy, or the mean IoU of boxes over the samples that have one."""

    def __init__(self, headline: str) -> None:
        self._iou = headline == "mIoU"
        self._sum, self._count = 0.0, 0

    def add(self, judged: Verdicts) -> None:
        if not self._iou:
            self._sum += judged.outcomes.count("right")
            self._count += len(judged)
            return
        ious = [item.ious for item in judged if len(item.sample.boxes)]
        self._sum += math.fsum(float(iou[0]) for iou in ious if len(iou))
        self._count += len(ious)

    def value(self) -> float | None:
        return self._sum / self._count if self._count else None


class _Detected(_Seen):
    """mAP over the (image, category) pairs that are answered, with the truth of those pairs alone."""

    def __init__(self, data: DetectionData) -> None:
        self._data = data
        self._pairs: set[tuple[int, int]] = set()
        self._owners: list[Ints] = [np.zeros((0, 2), dtype=np.int64)]
        self._boxes: list[Boxes] = [np.zeros((0, 4))]
        self._scores: list[Floats] = [np.zeros(0)]

    def add(self, judged: Verdicts) -> None:
        assert isinstance(judged, DetectionVerdicts)
        pairs: list[Any] = [(sample.image_id, sample.category_id) for sample in judged.samples]
        self._pairs.update(pairs)
        self._owners.append(np.repeat(np.array(pairs, dtype=np.int64).reshape(-1, 2), judged.number, axis=0))
        self._boxes.append(judged.boxes)
        self._scores.append(judged.scores)

    def value(self) -> float | None:
        coco = self._data.coco
        seen = {image for image, _ in self._pairs}
        asked = np.array([pair in self._pairs for pair in coco.annotations.pairs()], dtype=np.bool_)
        owners, corners = np.concatenate(self._owners), np.concatenate(self._boxes)
        table = make_table(
            [image for image in coco.images if image.id in seen],
            coco.categories,
            coco.annotations.where(asked),
            owners[:, 0],
            owners[:, 1],
            np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1),
            np.concatenate(self._scores),
            coco.rule,
            coco.frequencies,
        )
        # hotcoco, whatever the report is made with: the numbers are the same, in a fraction of the time.
        return detection_metrics(table, self._data.selected).overall["mAP"]
