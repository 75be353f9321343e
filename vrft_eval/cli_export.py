"""`vrft-eval export`: finished runs for papers, model cards, spreadsheets and experiment trackers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from vrft_eval import cli_complete, console
from vrft_eval.cli_options import Annotations, Data, Images
from vrft_eval.data_paths import DataPaths
from vrft_eval.errors import InputError


def export(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN...", help="Run folders.", show_default=False)
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="FORMAT", help="See --list.", autocompletion=cli_complete.formats)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File, or a tracker's folder; else standard output, or its service.")
    ] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="A,B", help="Columns of a table: metrics, reward; else the headline ones.")
    ] = None,
    best: Annotated[bool, typer.Option("--best", help="The best of a column in bold.")] = False,
    name: Annotated[
        list[str] | None, typer.Option(help="Name of a run, instead of its model's; may be repeated.")
    ] = None,
    data: Data = None,
    annotations: Annotations = None,
    images: Images = None,
    listed: Annotated[bool, typer.Option("--list", help="List the formats.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON (with --list).")] = False,
) -> None:
    """Export finished runs: a table, their samples, a model card, W&B, TensorBoard, MLflow."""
    from vrft_eval.export.registry import FORMATS
    from vrft_eval.export.registry import export as export_runs
    from vrft_eval.export.runs import Options

    if listed:
        _print_formats(as_json)
        return
    if as_json:
        raise InputError("goes with --list only; `vrft-eval report RUN --json` prints a report", field="--json")
    if not runs:
        raise InputError("name one run folder or more", field="RUN")
    if to is None:
        raise InputError(f"is missing: one of {', '.join(FORMATS)}", field="--to")
    wanted = None if metrics is None else tuple(part.strip() for part in metrics.split(",") if part.strip())
    if wanted == ():
        raise InputError("names no metric", field="--metrics", value=metrics)
    made = export_runs(
        runs, to, Options(out, wanted, best), names=name or (), paths=DataPaths(data, annotations, images)
    )
    if made.content is not None:
        sys.stdout.write(str(made.content))
    for place in made.places:
        console.print_line(f"{to}: {place}")
    for note in made.notes:
        console.print_note(note)


def _print_formats(as_json: bool) -> None:
    from vrft_eval.export.registry import FORMATS

    if as_json:
        rows = [
            {"format": found.name, "what": found.what, "samples": found.samples, "pip_install": found.client}
            for found in FORMATS.values()
        ]
        console.print_json(rows)
        return
    table = Table(header_style="bold")
    for head in ("format", "what", "samples", "pip install"):
        table.add_column(head)
    for found in FORMATS.values():
        table.add_row(found.name, Text(found.what), found.samples, found.client or "")
    console.out.print(table)
