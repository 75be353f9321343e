"""Labelled images: a folder per class, or an index file beside the images."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from vrft_eval.data_models import LabelledEntry
from vrft_eval.datasets.labelled import Collector, Labelled
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.errors import InputError
from vrft_eval.file_model import validate
from vrft_eval.files import read_bytes, read_json
from vrft_eval.findings import Findings
from vrft_eval.images import SUFFIXES

INDEXES = ("index.json", "index.csv")


def load_class_folders(data: Path, options: LoadOptions, findings: Findings) -> Labelled:
    """Read a folder with one sub-folder of images per class, in a stable order.

    Raises InputError when there is no image.
    """
    collector = Collector(data, data, findings, options.labels)
    for folder in sorted(data.iterdir()):
        if folder.is_dir() and not folder.name.startswith("."):
            for path in sorted(folder.rglob("*")):
                if path.suffix.lower() in SUFFIXES and path.is_file():
                    collector.add(path.relative_to(data).as_posix(), folder.name)
    if not collector.found:
        raise InputError("holds no images in class folders, and no index.json or index.csv", file=data)
    return collector.done()


def load_index(file: Path, options: LoadOptions, findings: Findings) -> Labelled:
    """Read an index of labelled images, whose paths are relative to its folder (or to the image folder).

    A `.json` file is a list of {"image": path, "label": class}; a `.csv` file has the columns image and label.
    Raises InputError when there is nothing, an image is named twice, or a path leaves the folder.
    """
    collector = Collector(file, options.images or file.parent, findings, options.labels)
    if file.suffix.lower() == ".csv":
        _add_csv(collector)
    else:
        _add_json(collector)
    return collector.done()


def _add_json(collector: Collector) -> None:
    rows = read_json(collector.file)
    if not isinstance(rows, list):
        raise InputError("must be a list of objects", file=collector.file, value=rows)
    for position, row in enumerate(rows):
        where = f"[{position}]"
        try:
            entry = validate(LabelledEntry, row, collector.file, where=where)
        except InputError as error:
            collector.findings.error("unusable_entry", error)
        else:
            collector.add(entry.image, entry.label, where=f"{where}.")


def _add_csv(collector: Collector) -> None:
    file = collector.file
    try:
        text = read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("not UTF-8", file=file) from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if not {"image", "label"} <= set(reader.fieldnames or ()):
            raise InputError("must have the columns image and label", file=file, line=1, value=reader.fieldnames)
        row: dict[str, Any]
        for row in reader:
            collector.add(row["image"], row["label"], line=reader.line_num)
    except csv.Error as error:
        raise InputError(f"not CSV: {error}", file=file, line=reader.line_num) from None
