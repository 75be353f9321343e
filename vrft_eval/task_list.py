"""`vrft-eval tasks`: what there is to run, and everything about one task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from vrft_eval import console
from vrft_eval.tasks import TaskSpec
from vrft_eval.tasks.prompts import load


def print_tasks(tasks: Sequence[TaskSpec]) -> None:
    """Every task with its prompt, metric and gate, then the layouts and sources of their data."""
    table = Table(header_style="bold")
    table.add_column("task", no_wrap=True)
    for head in ("prompt", "metric", "gate"):
        table.add_column(head, overflow="fold")
    layouts: dict[str, list[TaskSpec]] = {}
    for spec in tasks:
        count = "" if spec.categories is None else f"; mean over {len(spec.categories)} categories"
        table.add_row(spec.name, spec.prompt, spec.metric + count, spec.gate or "-")
        layouts.setdefault(spec.layout, []).append(spec)
    console.out.print(table)
    for layout, specs in layouts.items():
        names = ", ".join(spec.name + ("*" if spec.generated else "") for spec in specs)
        console.out.print(Text(f"data of {names}", "bold"))
        console.out.print(Padding(Text(layout), (0, 0, 0, 2)))
        for spec in specs[:1]:
            if spec.source is not None and spec.source.where:
                console.out.print(Padding(Text(f"source: {spec.source.where}", "dim"), (0, 0, 0, 2)))
    console.out.print("* generated when --data is not given")
    console.out.print("More about one: vrft-eval tasks TASK. What is in your copy: vrft-eval check TASK --data DIR.")


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
