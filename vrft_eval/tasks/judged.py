"""Samples with their answers taken apart and scored: one by one, and as columns what all of a run came to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, overload

import numpy as np

from vrft_eval.backends.protocol import Answer
from vrft_eval.samples import Boxes, Sample
from vrft_rewards import Issue, Response, Score

Outcome = Literal["right", "partly", "wrong", "unanswered", "failed"]


@dataclass(frozen=True, eq=False)
class Judged:
    """One sample with its answer taken apart and scored; boxes (n, 4) in pixels xyxy, clipped to the image."""

    sample: Sample
    answer: Answer | None
    response: Response
    status: str
    issues: tuple[Issue, ...]
    score: Score
    outcome: Outcome
    boxes: Boxes = field(default_factory=lambda: np.zeros((0, 4)))
    scores: Boxes = field(default_factory=lambda: np.zeros(0))
    ious: Boxes = field(default_factory=lambda: np.zeros(0))
    label: str | None = None
    label_text: str = ""

    @property
    def text(self) -> str:
        """The completion, empty when there is none."""
        return completion_of(self.answer)


@dataclass(frozen=True, eq=False)
class Verdicts(Sequence[Judged]):
    """The judged samples of a run, n of them: all that is counted as columns, and each whole when it is asked for.

    A report of many thousand answers shows some: only these need their reasons in words, so `judged` may make them
    then.
    """

    samples: Sequence[Sample]
    answers: Sequence[Answer | None]
    outcomes: Sequence[Outcome]
    statuses: Sequence[str]
    well_formed: Sequence[bool]
    rewards: Sequence[float]
    parts: Mapping[str, Sequence[float]]
    judged: Callable[[int], Judged]

    @classmethod
    def of(cls, items: Iterable[Judged]) -> Verdicts:
        """Take samples that were judged one by one."""
        listed = list(items)
        return cls(
            [item.sample for item in listed],
            [item.answer for item in listed],
            [item.outcome for item in listed],
            [item.status for item in listed],
            [item.response.well_formed for item in listed],
            [item.score.value for item in listed],
            {key: [item.score.parts[key] for item in listed] for key in (listed[0].score.parts if listed else ())},
            listed.__getitem__,
        )

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.samples)

    @overload
    def __getitem__(self, index: int) -> Judged: ...
    @overload
    def __getitem__(self, index: slice) -> list[Judged]: ...
    def __getitem__(self, index: int | slice) -> Judged | list[Judged]:
        """Return one judged sample, or some."""
        places = range(len(self))[index]
        return self.judged(places) if isinstance(places, int) else [self.judged(place) for place in places]


def completion_of(answer: Answer | None) -> str:
    """The text of an answer; a missing or failed one is empty."""
    return "" if answer is None or answer.completion is None else answer.completion


def outcome_of(answer: Answer | None, verdict: Outcome) -> Outcome:
    """The verdict, unless there is no answer to give one on."""
    if answer is None:
        return "unanswered"
    return "failed" if answer.completion is None else verdict
