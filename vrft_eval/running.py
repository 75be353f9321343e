"""The headline metric while a run goes on, over the samples that are answered so far."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from vrft_eval.backends.protocol import Answer
from vrft_eval.metrics.detection import detection_metrics
from vrft_eval.metrics.table import make_table
from vrft_eval.samples import Boxes, Sample
from vrft_eval.tasks import Judged, Reading, TaskData
from vrft_eval.tasks.detection import DetectionData

_SHARE = 0.05
_FIRST, _EVERY = 2.0, 10.0
_AT_ONCE = 1000


class Running:
    """Judges each answer once, and measures what is answered every ten seconds or, where that costs more, rarely.

    No more than a twentieth of the time goes into it. answers are those that are there already.
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
        self._next = clock() + _FIRST
        self._value: float | None = None

    def after(self, answer: Answer) -> tuple[str, float] | None:
        """Take one more answer; returns the metric's name and its latest value, None while there is none."""
        self._waiting.append(answer)
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
        for judged in self._data.judge_all(samples, some, self._reading):
            self._seen.add(judged)
        return not self._waiting


class _Seen(ABC):
    """What is kept of judged answers: little, for there may be very many."""

    @abstractmethod
    def add(self, judged: Judged) -> None: ...

    @abstractmethod
    def value(self) -> float | None: ...


class _Mean(_Seen):
    """Accuracy, or the mean IoU of boxes over the samples that have one."""

    def __init__(self, headline: str) -> None:
        self._iou = headline == "mIoU"
        self._sum, self._count = 0.0, 0

    def add(self, judged: Judged) -> None:
        if self._iou and not len(judged.sample.boxes):
            return
        self._count += 1
        if self._iou:
            self._sum += float(judged.ious[0]) if len(judged.ious) else 0.0
        else:
            self._sum += judged.outcome == "right"

    def value(self) -> float | None:
        return self._sum / self._count if self._count else None


class _Detected(_Seen):
    """mAP over the (image, category) pairs that are answered, with the truth of those pairs alone."""

    def __init__(self, data: DetectionData) -> None:
        self._data = data
        self._pairs: set[tuple[int, int]] = set()
        self._image: list[int] = []
        self._category: list[int] = []
        self._boxes: list[Boxes] = []
        self._scores: list[Boxes] = []

    def add(self, judged: Judged) -> None:
        image, category = judged.sample.image_id, judged.sample.category_id
        assert isinstance(image, int)
        assert category is not None
        self._pairs.add((image, category))
        if len(judged.scores):
            self._image += [image] * len(judged.scores)
            self._category += [category] * len(judged.scores)
            self._boxes.append(judged.boxes)
            self._scores.append(judged.scores)

    def value(self) -> float | None:
        coco = self._data.coco
        seen = {image for image, _ in self._pairs}
        asked = np.array([pair in self._pairs for pair in coco.annotations.pairs()], dtype=np.bool_)
        corners = np.concatenate([np.zeros((0, 4)), *self._boxes])
        table = make_table(
            [image for image in coco.images if image.id in seen],
            coco.categories,
            coco.annotations.where(asked),
            self._image,
            self._category,
            np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1),
            np.concatenate([np.zeros(0), *self._scores]),
            coco.rule,
            coco.frequencies,
        )
        # hotcoco, whatever the report is made with: the numbers are the same, in a fraction of the time.
        found = detection_metrics(table, self._data.selected).overall["mAP"]
        return None if found is None or math.isnan(found) else found
