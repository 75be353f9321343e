"""What `vrft-eval plan` finds, as Pydantic models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from vrft_eval.file_model import FileModel, Finite
from vrft_eval.planning import Pace, Stage, estimate


class PlannedStage(FileModel):
    """One stage of one task; stage is '' where the task has only one."""

    task: str
    stage: str
    images: int
    prompts: int
    prompt_tokens: int | None = Field(description="null without --model")
    answer_tokens: int | None = Field(description="null without --measured")
    note: str | None


class PlannedTime(FileModel):
    """How long it takes, at the pace of one worker; the model's loading is not in it."""

    rate: Finite = Field(description="prompts a second of one worker")
    source: str
    workers: int
    hours: Finite
    worker_hours: Finite = Field(description="of all workers together")
    price: Finite | None = Field(description="of an hour of a worker")
    cost: Finite | None


class PlannedRun(FileModel):
    """What `vrft-eval plan --json` prints."""

    version: Literal[1] = 1
    stages: list[PlannedStage]
    prompts: int
    prompt_tokens: int | None
    answer_tokens: int | None
    time: PlannedTime | None = Field(description="null without a rate")


def summarise(stages: Sequence[Stage], pace: Pace | None, workers: int, price: float | None) -> PlannedRun:
    """Stages with their answers' length, their sums, and the time they take."""
    length = None if pace is None else pace.answer_tokens
    prompts = sum(stage.prompts for stage in stages)
    counted = [stage.prompt_tokens for stage in stages if stage.prompt_tokens is not None]
    return PlannedRun(
        stages=[
            PlannedStage(
                task=stage.task,
                stage=stage.name,
                images=stage.images,
                prompts=stage.prompts,
                prompt_tokens=stage.prompt_tokens,
                answer_tokens=None if length is None else round(stage.prompts * length),
                note=stage.note,
            )
            for stage in stages
        ],
        prompts=prompts,
        prompt_tokens=sum(counted) if counted else None,
        answer_tokens=None if length is None else round(prompts * length),
        time=None if pace is None else _time(prompts, pace, workers, price),
    )


def _time(prompts: int, pace: Pace, workers: int, price: float | None) -> PlannedTime:
    found = estimate(prompts, pace, workers)
    return PlannedTime(
        rate=pace.rate,
        source=pace.source,
        workers=workers,
        hours=found.hours,
        worker_hours=found.worker_hours,
        price=price,
        cost=None if price is None else found.worker_hours * price,
    )
