"""What a small model is worth, in vrft-eval's own numbers: run folders on held-out images, greedy and sampled."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

from vrft_eval.commands import DataPaths, Generation, SharedBackend, carry_out, make_reading, plan_run
from vrft_eval.demo.data import write_dataset
from vrft_eval.demo_command import TEMPERATURES
from vrft_eval.tasks import get_task

Scores = dict[str, float]


@dataclass(frozen=True)
class Exam:
    """A generated task, the metrics that are told of it, and for detection the categories that are asked for."""

    task: str
    metrics: tuple[str, ...]
    categories: tuple[str, ...] | None = None


SHIPPED = {
    "shapes-detection": Exam("shapes-detection", ("mAP", "AP50", "AP75")),
    "shapes-classification": Exam("shapes-classification", ("accuracy",)),
    "shapes-grounding": Exam("shapes-grounding", ("mIoU", "gIoU", "cIoU")),
}
"""What the checkpoints that ship are measured by."""


def write_images(folder: Path, exams: dict[str, Exam], count: int, split: str) -> None:
    """Draw the images of every task of some exams; what is there already is kept."""
    for task in {exam.task for exam in exams.values()}:
        write_dataset(task, folder / task, count, split=split)


def evaluate(model: Path, data: Path, out: Path, exams: dict[str, Exam], sam: str = "none") -> Scores:
    """Run the exams on a data folder; returns metrics and mean rewards by name. What is answered already is kept."""
    scores: Scores = {}
    for how, temperature in TEMPERATURES.items():
        generation = Generation("transformers", batch_size=32, temperature=temperature)
        backend = SharedBackend(str(model), generation)
        for name, exam in exams.items():
            task = get_task(exam.task)
            listed = None if exam.categories is None else ",".join(exam.categories)
            plan = plan_run(
                task,
                str(model),
                place(out, how, name),
                paths=DataPaths(data / exam.task, categories=listed),
                generation=generation,
                reading=make_reading(task, "norm1000", "default", sam),
            )
            report = carry_out(plan, backend.load).report
            found = {metric: report.metrics[metric] for metric in exam.metrics} | {"reward": report.rewards.mean}
            scores |= {f"{how}: {name} {metric}": value or 0.0 for metric, value in found.items()}
    return scores


def place(out: Path, how: str, exam: str) -> Path:
    """The run folder of an exam."""
    return out / how / exam.replace(" ", "-")


def overall(scores: Scores, exams: dict[str, Exam], ways: tuple[str, ...]) -> float:
    """The mean of the exams' headlines: what is chosen by."""
    return statistics.fmean(scores[f"{how}: {name} {exam.metrics[0]}"] for how in ways for name, exam in exams.items())
