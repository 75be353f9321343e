"""What `vrft-eval compare` finds, as Pydantic models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vrft_eval.file_model import FileModel, Finite
from vrft_eval.schemas import Difference
from vrft_eval.tasks.judged import Outcome


class ComparedRun(FileModel):
    """One of the runs."""

    path: str
    model: str | None
    backend: str
    created: str


class ComparedMetric(FileModel):
    """A metric of both runs; difference is null where one has no value, or there is nothing to draw from."""

    first: Finite | None
    second: Finite | None
    difference: Difference | None


class ComparedCategory(ComparedMetric):
    """The task's own metric for one category; its difference has no interval where few images have the category."""

    images: int | None = Field(description="with truth of the category; null where that isn't known")


class Change(FileModel):
    """Samples of one outcome that have another one now."""

    before: Outcome
    after: Outcome
    count: int = Field(ge=1)


class Flips(FileModel):
    """Samples of both runs whose outcome got better (say, from wrong to partly) or worse."""

    better: list[str]
    worse: list[str]
    same: int = Field(ge=0)
    changes: list[Change] = Field(description="how many went from which outcome to which other one")


class Pair(FileModel):
    """A run beside the first one."""

    run: ComparedRun
    metrics: dict[str, ComparedMetric] = Field(description="and `reward`, the mean reward, when both use one profile")
    category_metric: str | None = Field(description="what per_category compares, null where there is nothing")
    per_category: dict[str, ComparedCategory]
    flips: Flips
    differs: list[str] = Field(description="settings that differ, the model's aside")


class Comparison(FileModel):
    """What `vrft-eval compare --json` prints."""

    version: Literal[1] = 1
    task: str
    headline: str
    images: int = Field(description="in every resample")
    resamples: int
    level: Finite = Field(description="of the intervals")
    seed: int
    first: ComparedRun
    pairs: list[Pair]
