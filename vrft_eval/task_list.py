"""`vrft-eval tasks`: what there is to run, and everything about one task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vrft_eval import console
from vrft_eval.tasks import TaskSpec
from vrft_eval.tasks.prompts import load


def print_tasks(tasks: Sequence[TaskSpec]) -> None:
    """Every task, then what is measured, and the layouts and sources of their data."""
    table = Table(header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("task", "kind", "categories", "gate"):
        table.add_column(head, overflow="fold", justify="right" if head == "categories" else "left")
    layouts: dict[str, list[TaskSpec]] = {}
    metrics: dict[str, list[TaskSpec]] = {}
    for spec in tasks:
        averaged = "" if spec.categories is None else str(len(spec.categories))
        table.add_row(spec.name, spec.kind, averaged, spec.gate or "")
        layouts.setdefault(spec.layout, []).append(spec)
        metrics.setdefault(spec.metric, []).append(spec)
    console.out.print(table)
    for metric, specs in metrics.items():
        _print_group("metrics", specs, metric)
    for layout, specs in layouts.items():
        source = specs[0].source
        _print_group("data", specs, layout, f"source: {source.where}" if source is not None and source.where else "")
    console.out.print("categories: those that a mean is over, where it is not over all that the data have")
    console.out.print("* generated when --data is not given")
    console.out.print("More about one: vrft-eval tasks TASK. What is in your copy: vrft-eval check TASK --data DIR.")


def _print_group(what: str, specs: Sequence[TaskSpec], text: str, more: str = "") -> None:
    names = ", ".join(spec.name + ("*" if spec.generated and what == "data" else "") for spec in specs)
    console.out.print(Text(f"{what} of {names}", "bold"))
    console.out.print(Padding(Text(text), (0, 0, 0, 2)))
    if more:
        console.out.print(Padding(Text(more, "dim"), (0, 0, 0, 2)))


def print_task(spec: TaskSpec) -> None:
    """Everything about one task."""
    rows = [(key, value) for key, value in describe(spec).items() if value not in (None, "", [], {}, False)]
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in rows:
        shown = ", ".join(f"{name}: {count:,}" for name, count in value.items()) if isinstance(value, dict) else value
        shown = ", ".join(shown) if isinstance(shown, list) else str(shown)
        table.add_row(key.replace("_", " "), Text(shown))
    console.out.print(table)


def describe(spec: TaskSpec) -> dict[str, Any]:
    """A task as JSON has it."""
    return {
        "task": spec.name,
        "kind": spec.kind,
        "metric": spec.metric,
        "gate": spec.gate,
        "data": spec.layout,
        "splits": list(spec.splits),
        "images": dict(spec.published),
        "categories": None if spec.categories is None else list(spec.categories),
        "generated": spec.generated,
        "source": None if spec.source is None else spec.source.where,
        "citation": None if spec.source is None else spec.source.citation,
        "prompt_name": spec.prompt,
        "prompt": load(spec.prompt),
    }
