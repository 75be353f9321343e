"""Runs of the shipped checkpoint, and what they answered."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable
from pathlib import Path

from vrft_eval.backends import Answer
from vrft_eval.commands import DataPaths, Generation, make_reading, plan_run
from vrft_eval.evaluation import Evaluation
from vrft_eval.tasks import get_task

TASKS = ("shapes-detection", "shapes-classification", "shapes-grounding")


def planned(task: str, shapes: Path, out: Path, generation: Generation) -> Evaluation:
    """A run that is about to begin, on the task's folder in `shapes`."""
    spec = get_task(task)
    reading = make_reading(spec, "norm1000", "default", "none", resamples=0)
    return plan_run(spec, "demo", out, paths=DataPaths(shapes / task), generation=generation, reading=reading)


def completions(answers: Iterable[Answer]) -> dict[str, str | None]:
    """By id; an id that is answered twice is an error."""
    found: dict[str, str | None] = {}
    for answer in answers:
        assert answer.id not in found
        found[answer.id] = answer.completion
    return found


def agreement(one: dict[str, str | None], other: dict[str, str | None]) -> float:
    """The share of identical answers to the same prompts."""
    assert one.keys() == other.keys()
    return sum(one[key] == other[key] for key in one) / len(one)


def engines() -> list[multiprocessing.process.BaseProcess]:
    """The processes of vLLM that this process has started."""
    return [process for process in multiprocessing.active_children() if "EngineCore" in process.name]
