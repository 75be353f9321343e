"""`vrft-eval demo`: the shipped model on three tasks, before and after reinforcement fine-tuning."""

from __future__ import annotations

import time
from pathlib import Path

from vrft_eval import commands, console
from vrft_eval.commands import DataPaths, Generation, SharedBackend
from vrft_eval.evaluation import Evaluated, Evaluation
from vrft_eval.files import dump_json, write_atomic
from vrft_eval.progress import stages
from vrft_eval.report.assets import render_page
from vrft_eval.schemas import DemoIndex, DemoPair, DemoRow
from vrft_eval.tasks import TASKS

MODELS = {"sft": "demo:sft", "rft": "demo"}
# Greedy answers are what a user gets; sampled ones are what GRPO was paid for, so its work shows there first.
TEMPERATURES = {"greedy": 0.0, "sampled": 1.0}
_BATCH = 32
_SHOWN = {
    "detection": ("mAP", "AP50", "AP75"),
    "classification": ("accuracy",),
    "grounding": ("mIoU", "Acc50", "gIoU", "cIoU"),
}


def run_demo(out: Path, limit: int, *, as_json: bool = False) -> None:
    """Run both models on the same images, greedily and sampled, print one table, write an index of their reports.

    Raises InputError when `out` holds something else.
    """
    started = time.monotonic()
    specs = [spec for spec in TASKS.values() if spec.generated]
    runs = [(how, which, spec) for how in TEMPERATURES for which in MODELS for spec in specs]
    plans: dict[str, Evaluation] = {}
    for how, which, spec in runs:
        place = _place(how, which, spec.name)
        plans[place] = commands.plan_run(
            spec,
            MODELS[which],
            out / place,
            paths=DataPaths(),
            generation=_generation(how),
            reading=commands.make_reading(spec, "norm1000", "default", None),
            limit=limit,
            generate_into=out / "data" / spec.name,
        )
    shared = {
        (how, which): SharedBackend(model, _generation(how)) for how in TEMPERATURES for which, model in MODELS.items()
    }
    done: dict[str, Evaluated] = {}
    for how, which, spec in runs:
        place, model = _place(how, which, spec.name), shared[how, which]
        shown = stages(f"{which.upper()} {spec.name}, {how}")
        done[place] = commands.carry_out(plans[place], model.load, shown)
    index = DemoIndex(
        rows=[
            row
            for spec in specs
            for row in _rows([done[_place(how, which, spec.name)] for how in TEMPERATURES for which in MODELS])
        ],
        reports={place: f"{place}/report.html" for place in plans},
        seconds=round(time.monotonic() - started, 1),
    )
    write_atomic(out / "report.json", dump_json(index.model_dump(mode="json")))
    write_atomic(out / "report.html", render_page("demo.html.j2", index=index))
    if as_json:
        console.print_json(index.model_dump(mode="json"))
        return
    console.print_demo(index.rows)
    console.print_line(f"{index.seconds:.0f} seconds")
    console.print_line(f"report: {out / 'report.html'}")


def _place(how: str, which: str, task: str) -> str:
    return ("sampled/" if how == "sampled" else "") + ("sft/" if which == "sft" else "") + task


def _generation(how: str) -> Generation:
    return Generation("transformers", batch_size=_BATCH, temperature=TEMPERATURES[how])


def _rows(runs: list[Evaluated]) -> list[DemoRow]:
    """One row a metric. `runs`: greedy SFT and RFT, sampled SFT and RFT."""
    reports = [run.report for run in runs]
    task = reports[0].task
    rows = [_row(task, name, [report.metrics[name] for report in reports]) for name in _SHOWN[reports[0].kind]]
    return [*rows, _row(task, "reward", [report.rewards.mean for report in reports])]


def _row(task: str, metric: str, values: list[float | None]) -> DemoRow:
    return DemoRow(task=task, metric=metric, greedy=_pair(*values[:2]), sampled=_pair(*values[2:]))


def _pair(sft: float | None, rft: float | None) -> DemoPair:
    return DemoPair(sft=sft, rft=rft, difference=None if sft is None or rft is None else rft - sft)
