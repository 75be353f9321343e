"""The command: python -m trainers.data TASK | convert SOURCE."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from trainers.data.convert import convert
from trainers.data.forms import FORMS
from trainers.data.make import Made, make
from trainers.data.subset import Draw
from vrft_eval import console
from vrft_eval.cli_options import Annotations, Categories, Data, Images, Labels, MissingOption, Prompt, Split
from vrft_eval.data_paths import DataPaths
from vrft_eval.datasets.names import parse_names
from vrft_eval.tasks import get_task

_FORMS = "; ".join(f"{name}: {form.text}" for name, form in FORMS.items())
Out = Annotated[Path, typer.Option("--out", help="Folder of the training set; it is there whole or not at all.")]
Space = Annotated[str, typer.Option(help="Coordinates of truth and solution: norm1000 (0 to 1000) or pixels.")]


def make_command(
    task: Annotated[str, typer.Argument(help="See `vrft-eval tasks`; or convert, see `convert --help`.")],
    out: Out,
    data: Data = None,
    annotations: Annotations = None,
    images: Images = None,
    split: Split = None,
    categories: Categories = None,
    labels: Labels = None,
    missing: MissingOption = None,
    shots: Annotated[int | None, typer.Option(help="Images of each category.")] = None,
    count: Annotated[int | None, typer.Option(help="Questions in all, as even over the categories as can be.")] = None,
    negatives: Annotated[float, typer.Option(help="Detection: share of questions about absent categories.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Which questions are drawn.")] = 0,
    subset: Annotated[Path | None, typer.Option(help="A subset.json: take its questions, draw none.")] = None,
    space: Space = "norm1000",
    prompt: Prompt = None,
    form: Annotated[str, typer.Option("--format", help=_FORMS)] = "datasets",
) -> None:
    """Make a training set of a task's data (its training split, unless --split names another)."""
    paths = DataPaths(data, annotations, images, split, categories, labels, missing)
    draw = Draw(seed, shots, count, negatives)
    _tell(make(get_task(task), paths, out, draw, subset=subset, form=form, space=space, prompt=prompt))


def convert_command(
    source: Annotated[Path, typer.Argument(help="A folder of save_to_disk or Parquet, a .parquet, .jsonl or .json.")],
    out: Out,
    to: Annotated[str, typer.Option(help=_FORMS)],
    task: Annotated[str | None, typer.Option(help="detection, classification, grounding; else the rows tell.")] = None,
    split: Split = None,
    labels: Labels = None,
    space: Space = "norm1000",
    bad: Annotated[str, typer.Option(help="Rows that can't be used: error, or skip (counted).")] = "error",
) -> None:
    """Convert a set of image, problem and solution, as Visual-RFT publishes them, to another form."""
    names = None if labels is None else parse_names("--labels", labels)
    _tell(convert(source, out, to, task=task, split=split, space=space, labels=names, bad=bad))


def _tell(made: Made) -> None:
    absent = f", {made.absent:,} of them about absent categories" if made.absent else ""
    about = f" and {made.categories:,} categories" if made.categories else ""
    console.print_line(f"{made.rows:,} rows of {made.images:,} images{about}{absent}: {made.folder}")
    for note in made.notes:
        console.print_line(note)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code, 2 for what the user got wrong."""
    given = sys.argv[1:] if arguments is None else arguments
    chosen, command = (given[1:], convert_command) if given[:1] == ["convert"] else (given, make_command)
    name = "python -m trainers.data" + (" convert" if command is convert_command else "")
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
    app.command()(command)
    try:
        app(chosen, prog_name=name, standalone_mode=True)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except (ValueError, OSError) as error:
        console.print_error(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
