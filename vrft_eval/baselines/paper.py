"""Visual-RFT's published tables, and a run beside those of its task."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from vrft_eval.baselines.models import Against, AgainstRow, PaperColumn, PaperRow, PaperTable, PaperTables
from vrft_eval.errors import InputError, choice

if TYPE_CHECKING:
    from vrft_eval.schemas import Report

PAPER = "paper"
_FILE = Path(__file__).with_name("visual_rft.json")


@lru_cache(maxsize=1)
def paper_tables() -> PaperTables:
    """The tables with results of Visual-RFT (arXiv 2503.01785), as printed, in percent.

    >>> [table.number for table in paper_tables().tables]
    [2, 3, 4, 5, 6, 7, 8]
    """
    from vrft_eval.schemas import read_file

    return read_file(PaperTables, _FILE)


def paper_tasks() -> tuple[str, ...]:
    """The tasks that the tables have numbers of, in their order.

    >>> paper_tasks()[:2]
    ('flowers102', 'pets37')
    """
    names = (column.task for table in paper_tables().tables for column in table.columns)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def check_against(against: str | None, task: str) -> None:
    """Find out before a run whether there is something to put it beside. Raises InputError."""
    if against is None:
        return
    choice(against, [PAPER], "--against")
    if task not in paper_tasks():
        raise InputError(
            f"the paper has no numbers of the task {task}; it has them of {', '.join(paper_tasks())}", field="--against"
        )


def beside_paper(
    report: Report, *, split: str | None = None, published: int | None = None, own_prompt: bool = False
) -> Against:
    """Put a report beside the paper's rows of its task, and of its split where the paper has that.

    published is how many images that split has; `own_prompt` says that the task's prompt was replaced. Raises
    InputError for a task that the paper doesn't have.
    """
    check_against(PAPER, report.task)
    cells = [(cell[2].split, _row(*cell, report)) for cell in _cells(report.task)]
    same = [row for of, row in cells if of in (None, split)]
    rows = same or [row for _, row in cells]
    return Against(
        source=f"{paper_tables().title} ({paper_tables().citation})",
        rows=rows,
        differs=[
            *_other_data(report, rows, split, published),
            *_other_ways(report, own_prompt),
            *_other_rules(report, {row.metric for row in rows}),
        ],
    )


def _cells(task: str) -> Iterator[tuple[PaperTable, PaperRow, PaperColumn, float]]:
    for table in paper_tables().tables:
        for row in table.rows:
            for column, value in zip(table.columns, row.values, strict=True):
                if column.task == task and value is not None:
                    yield table, row, column, value


def _row(table: PaperTable, row: PaperRow, column: PaperColumn, value: float, report: Report) -> AgainstRow:
    paper = value / 100
    if column.category is None:
        found = report.metrics.get(column.metric)
    else:
        found = report.per_category.get(column.category, {}).get(column.metric)
    return AgainstRow(
        table=table.number,
        model=row.model,
        method=row.method,
        shots=row.shots,
        metric=column.metric,
        category=column.category,
        split=column.split,
        paper=paper,
        run=found,
        difference=None if found is None else found - paper,
    )


def _other_data(report: Report, rows: list[AgainstRow], split: str | None, published: int | None) -> Iterator[str]:
    models = ", ".join(dict.fromkeys(row.model for row in rows))
    if report.model is None:
        yield f"Model: this run scores recorded answers; the rows are of {models}."
    else:
        yield f"Model: this run is of {report.model}; the rows are of {models}."
    splits = sorted({row.split for row in rows if row.split is not None})
    if splits and splits != [split]:
        yield f"Split: this run's is {split or 'not known'}; the rows are of {' and '.join(splits)}."
    images = report.counts["images"]
    if published is not None and images != published:
        yield f"Data: this run is of {images:,} images, the published split has {published:,}."


def _other_ways(report: Report, own_prompt: bool) -> Iterator[str]:
    if report.gate is not None and report.gate != "file":
        yield f"Gate: this run's is {report.gate}, which changes AP a lot; the paper's was {paper_tables().gate}."
    if report.space != "norm1000":
        yield f"Coordinates: this run's are {report.space}, the paper's norm1000."
    if own_prompt:
        yield "Prompt: this run's is another one."


def _other_rules(report: Report, metrics: set[str]) -> Iterator[str]:
    if "accuracy_visual_rft" in metrics:
        yield "Accuracy: the paper's is by its own rule, so accuracy_visual_rft stands beside it, not the headline."
    if "gIoU_visual_rft" in metrics:
        masks = "filled boxes" if report.sam is None else f"the SAM {report.sam}"
        yield (
            "Masks: the paper's gIoU is by its own rule, so gIoU_visual_rft stands beside it; its masks were made by "
            f"SAM ViT-H from boxes cut to whole pixels, this run's by {masks}."
        )
