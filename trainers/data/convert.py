"""Training sets of image, problem and solution, as Visual-RFT publishes them, in the forms of other trainers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets import Features, Value
from datasets import Image as ImageFeature

from trainers.data.forms import dataset_of
from trainers.data.make import LABELS_FILE, Made, checked_space, labels_of, sized, summary, write_rows, written_whole
from trainers.data.rows import row_of
from vrft_eval.datasets import LoadOptions
from vrft_eval.datasets.embedded import Table
from vrft_eval.datasets.hub import HubRow, is_hub, plain_question, read_hub
from vrft_eval.datasets.names import read_names
from vrft_eval.errors import InputError
from vrft_eval.files import confined, read_json, read_json_lines
from vrft_eval.findings import Findings
from vrft_eval.images import image_size
from vrft_eval.samples import Kind
from vrft_eval.tasks import TASKS, TaskSpec, load_task
from vrft_eval.tasks.prompts import load, names, unfill

_DETECTION = re.compile(r"category '[^'\n]{1,100}'")
_CLASSES = tuple(name for name in names() if name.startswith("classification"))
_BAD = ("error", "skip")
"""What a row that can't be used means."""


def convert(
    source: Path,
    out: Path,
    form: str,
    *,
    task: str | None = None,
    split: str | None = None,
    space: str = "norm1000",
    labels: tuple[str, ...] | None = None,
    bad: str = "error",
) -> Made:
    """Write a set of image, problem and solution in another form; each row keeps its question.

    source is a folder of `save_to_disk` or with Parquet files, or a `.parquet`, `.jsonl` or `.json` file. Coordinates
    in its solutions are 0 to 1000; `space` is that of what is written. Without task the first question tells. labels
    are the classes (None: those that occur). bad is error, or skip: rows that can't be used are left out and counted.
    Raises InputError.
    """
    checked = checked_space(space)
    if bad not in _BAD:
        raise InputError(f"must be {' or '.join(_BAD)}", field="--bad", value=bad)
    counts: Counter[str] = Counter()
    findings = Findings(collect=bad == "skip")
    with written_whole(out, form) as (folder, work):
        home = _folder(source, work)
        options = LoadOptions(home, split=split, labels=labels, unpacked=work / "unpacked")
        try:
            rows, embedded = read_hub(options, Findings(collect=bad == "skip"))
            own = _columns(embedded.table)
            spec = _spec(task, set(own.get("task", ())), rows[0])
            if set(own.get("space", ())) - {"norm1000"}:
                message = "its boxes are in pixels; make it again with --space norm1000"
                raise InputError(message, file=source, field="space", value="pixels")
            if labels is None and (home / LABELS_FILE).is_file():
                options = replace(options, labels=read_names(home / LABELS_FILE))
            if spec.kind != "classification":
                options = replace(options, labels=None)
            data = load_task(spec, options, findings)
            questions = {row.path: row for row in rows}
            detection = spec.kind == "detection"
            samples = sized(data, data.samples(load(spec.prompt), "negatives" if detection else None))
        except InputError as error:
            # A file of JSON was read by way of a table of our own, which means nothing to the user.
            raise InputError(error.detail, file=source if home != source else error.file) from None
        made = []
        for sample in samples:
            question = questions[sample.image]
            row = row_of(sample, checked, counts, problem=question.problem)
            made.append(replace(row, id=str(own["id"][question.row] if "id" in own else question.row)))
        write_rows(source.stem, made, labels_of(data), folder, work, form, counts)
    notes = [
        f"{found.count:,} rows were left out: {found.text} (the first: {found.examples[0]})."
        for found in findings
        if found.severity == "error"
    ]
    return summary(out, made, sum(row.boxes == [] for row in made), notes, counts)


def _folder(source: Path, work: Path) -> Path:
    """The folder that the harness reads: the source itself, or one made of a single file. Raises InputError."""
    if is_hub(source):
        return source
    if source.is_file() and source.suffix in (".parquet", ".jsonl", ".json"):
        home = work / "source"
        home.mkdir()
        table = home / "train-00000-of-00001.parquet"
        if source.suffix == ".parquet":
            table.symlink_to(source.resolve())
        else:
            _table(source, table, work)
        return home
    if not source.exists():
        raise InputError("no such file or folder", file=source)
    raise InputError("is no folder of save_to_disk or of Parquet files, and no .parquet, .jsonl or .json", file=source)


def _table(source: Path, table: Path, work: Path) -> None:
    """Read a file of JSON with its images into a table. Raises InputError that names the line and the field."""
    features = Features({"image": ImageFeature(), "problem": Value("string"), "solution": Value("string")})

    def each() -> Iterator[dict[str, Any]]:
        for line, row in _entries(source):
            yield _entry(source, line, row)

    dataset_of(each, features, work, "source").to_parquet(str(table))


def _entries(source: Path) -> Iterator[tuple[int | None, dict[str, Any]]]:
    if source.suffix == ".jsonl":
        yield from read_json_lines(source)
        return
    document = read_json(source)
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise InputError("must be a list of objects with image, problem and solution", file=source, value=document)
    for row in document:
        yield None, row


def _entry(source: Path, line: int | None, row: dict[str, Any]) -> dict[str, Any]:
    """One object with its image read. `image_path` is what the released `build_dataset.ipynb` calls it."""
    name = row.get("image", row.get("image_path"))
    path = confined(source.parent, name, file=source, line=line, field="image")
    for field in ("problem", "solution"):
        if not isinstance(row.get(field), str):
            raise InputError("must be text", file=source, line=line, field=field, value=row.get(field))
    try:
        image_size(path)
        data = path.read_bytes()
    except InputError as error:
        raise InputError(f"{name}: {error.detail}", file=source, line=line, field="image") from None
    return {
        "image": {"bytes": data, "path": path.name},
        "problem": row["problem"],
        "solution": row["solution"],
    }


def _columns(table: Table) -> dict[str, list[Any]]:
    """The columns that our own sets have besides, where the table has them."""
    there = [name for name in ("task", "space", "id") if name in table.names()]
    return {name: [value for (value,) in table.columns(name)] for name in there}


def _spec(task: str | None, own: set[Any], first: HubRow) -> TaskSpec:
    """The task whose data the rows are: as asked for, as the rows say, or as the first question tells."""
    if len(own) > 1:
        listed = ", ".join(sorted(map(str, own)))
        raise InputError(f"there are rows of several tasks ({listed}); convert each alone", field="task")
    question = first.problem
    name = task or next(iter(own), None) or _kind_of(question)
    if name is None:
        raise InputError("the question tells no task; name it with --task", field=f"row {first.row}", value=question)
    if name not in ("detection", "classification", "grounding"):
        raise InputError("must be detection, classification or grounding", field="--task", value=name)
    spec = TASKS[name]
    # The question is kept whatever it is; counting how it differs from a prompt would say nothing.
    asked = [prompt for prompt in _CLASSES if plain_question(load(prompt)) == plain_question(question)]
    return replace(spec, prompt=asked[0]) if name == "classification" and asked else spec


def _kind_of(question: str) -> Kind | None:
    if unfill(load("detection"), question, "category") is not None or _DETECTION.search(question):
        return "detection"
    if unfill(load("grounding"), question, "question") is not None:
        return "grounding"
    known = {plain_question(load(name)) for name in _CLASSES}
    return "classification" if plain_question(question) in known else None
