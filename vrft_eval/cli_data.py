"""The commands about data and finished runs: vrft-eval tasks | check | compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vrft_eval import cli_complete, console
from vrft_eval.check.run import check_task
from vrft_eval.check.show import print_check
from vrft_eval.cli_options import (
    Annotations,
    AsJson,
    Categories,
    Data,
    Images,
    Labels,
    MissingOption,
    Split,
    TaskName,
)
from vrft_eval.commands import MANY_IMAGES, RESAMPLES
from vrft_eval.compare.page import write_page
from vrft_eval.compare.run import compare as compare_runs
from vrft_eval.compare.show import print_comparison
from vrft_eval.data_paths import DataPaths
from vrft_eval.progress import progress_of
from vrft_eval.tally import Progress, Tally
from vrft_eval.task_list import describe, print_task, print_tasks
from vrft_eval.tasks import TASKS, get_task


def tasks(
    task: Annotated[
        str | None,
        typer.Argument(metavar="TASK", help="Tell everything about one task.", autocompletion=cli_complete.tasks),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the tasks, or tell everything about one."""
    specs = list(TASKS.values()) if task is None else [get_task(task)]
    if as_json:
        described = [describe(spec) for spec in specs]
        console.print_json(described if task is None else described[0])
    elif task is None:
        print_tasks(specs)
    else:
        print_task(specs[0])


def check(
    task: TaskName,
    data: Data = None,
    annotations: Annotations = None,
    images: Images = None,
    split: Split = None,
    categories: Categories = None,
    labels: Labels = None,
    missing: MissingOption = None,
    full: Annotated[bool, typer.Option("--full", help="Decode every image, not only its header.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is missing or odd in a task's data, before a run; exit code 2 for errors."""
    spec = get_task(task)
    paths = DataPaths(data, annotations, images, split, categories, labels, missing)
    with progress_of(f"{task}: images") as progress:
        found = check_task(spec, paths.options(spec, missing="error"), full=full, progress=_if_many(progress))
    if as_json:
        console.print_json(found.model_dump(mode="json"))
    else:
        print_check(found)
    if found.count("error"):
        raise typer.Exit(2)


def _if_many(progress: Progress) -> Progress:
    """Few images are checked in no time: lines about it would only be in the way."""

    def update(tally: Tally) -> None:
        if tally.total >= MANY_IMAGES:
            progress(tally)

    return update


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN_A RUN_B ...", help="Run folders; the first is the base.")],
    data: Data = None,
    annotations: Annotations = None,
    images: Images = None,
    resamples: Annotated[int, typer.Option(min=1, help="Bootstrap resamples, the same for all runs.")] = RESAMPLES,
    force: Annotated[
        bool, typer.Option("--force", help="Compare runs of other data, or read in another way, too.")
    ] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with the samples that changed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs over the same images: differences, paired intervals and p-values."""
    compared = compare_runs(runs, paths=DataPaths(data, annotations, images), resamples=resamples, force=force)
    if html is not None:
        write_page(compared, html)
    if as_json:
        console.print_json(compared.found.model_dump(mode="json"))
        return
    print_comparison(compared.found)
    if html is not None:
        console.print_line(f"page: {html}")
