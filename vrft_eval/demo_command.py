"""`vrft-eval demo`: the shipped model on three tasks, before and after reinforcement fine-tuning."""

from __future__ import annotations

import time
from pathlib import Path

from vrft_eval import commands, console
from vrft_eval.commands import DataPaths, Generation, SharedBackend
from vrft_eval.evaluation import Evaluated, Evaluation
from vrft_eval.files import dump_json, write_atomic
from vrft_eval.report.html import render_page
from vrft_eval.schemas import DemoIndex, DemoRow
from vrft_eval.tasks import TASKS

MODELS = {"sft": "demo:sft", "rft": "demo"}
_BATCH = 32
_SHOWN = {
    "detection": ("mAP", "AP50", "AP75"),
    "classification": ("accuracy",),
    "grounding": ("mIoU", "Acc50", "gIoU", "cIoU"),
}


def run_demo(out: Path, limit: int) -> None:
    """Run both models on the same held-out images, print one table, write an index of the six reports.

    Raises InputError when `out` holds something else.
    """
    started = time.monotonic()
    specs = [spec for spec in TASKS.values() if spec.generated]
    generation = Generation(batch_size=_BATCH)
    plans: dict[tuple[str, str], Evaluation] = {}
    for which, model in MODELS.items():
        for spec in specs:
            plans[which, spec.name] = commands.plan_run(
                spec,
                model,
                out / "sft" / spec.name if which == "sft" else out / spec.name,
                paths=DataPaths(),
                generation=generation,
                reading=commands.make_reading(spec, "norm1000", "default", None),
                limit=limit,
                generate_into=out / "data" / spec.name,
            )
    done: dict[tuple[str, str], Evaluated] = {}
    for which, model in MODELS.items():
        shared = SharedBackend(model, generation)
        for spec in specs:
            plan, stages = plans[which, spec.name], console.stages(f"{which.upper()} {spec.name}")
            done[which, spec.name] = commands.carry_out(plan, lambda s=shared, t=spec: s.load(t), stages)  # type: ignore[misc]
    index = DemoIndex(
        rows=[row for spec in specs for row in _rows(done["sft", spec.name], done["rft", spec.name])],
        reports={
            f"{'sft/' if which == 'sft' else ''}{name}": f"{'sft/' if which == 'sft' else ''}{name}/report.html"
            for which, name in plans
        },
        seconds=round(time.monotonic() - started, 1),
    )
    write_atomic(out / "report.json", dump_json(index.model_dump(mode="json")))
    write_atomic(out / "report.html", render_page("demo.html.j2", index=index))
    console.print_demo(index.rows)
    console.print_line(f"{index.seconds:.0f} seconds")
    console.print_line(f"report: {out / 'report.html'}")


def _rows(before: Evaluated, after: Evaluated) -> list[DemoRow]:
    task = after.report.task
    rows = [
        _row(task, name, before.report.metrics[name], after.report.metrics[name]) for name in _SHOWN[after.report.kind]
    ]
    rewards = before.report.rewards, after.report.rewards
    return [*rows, _row(task, f"mean reward of {rewards[1].bounds[1]:g}", rewards[0].mean, rewards[1].mean)]


def _row(task: str, metric: str, sft: float | None, rft: float | None) -> DemoRow:
    difference = None if sft is None or rft is None else rft - sft
    return DemoRow(task=task, metric=metric, sft=sft, rft=rft, difference=difference)
