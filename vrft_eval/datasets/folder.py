"""Labelled images: a folder per class, or an index file beside the images."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from vrft_eval.errors import InputError
from vrft_eval.files import confined, read_bytes, read_json
from vrft_eval.images import SUFFIXES


@dataclass(frozen=True)
class LabelledImage:
    """One image with its class; `name` is its path relative to the data folder, with forward slashes."""

    name: str
    path: Path
    label: str


def load_labelled(data: Path | None) -> tuple[LabelledImage, ...]:
    """Read `index.json`, `index.csv` or, without one, a folder per class, in a stable order.

    `index.json` is a list of {"image": relative path, "label": class}; `index.csv` has the columns image and
    label. Raises InputError when there is nothing, an image is named twice, or a path leaves the folder.
    """
    if data is None:
        raise InputError("--data is needed (a folder with one sub-folder per class, or an index file)")
    if not data.is_dir():
        raise InputError("no such data folder", file=data)
    for name, reader in (("index.json", _json_rows), ("index.csv", _csv_rows)):
        if (data / name).is_file():
            return _from_index(data, data / name, reader(data / name))
    found = [
        LabelledImage(path.relative_to(data).as_posix(), path, folder.name)
        for folder in sorted(data.iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]
    if not found:
        raise InputError("holds no images in class folders, and no index.json or index.csv", file=data)
    return tuple(found)


def _json_rows(file: Path) -> list[tuple[str, int | None, Any]]:
    rows = read_json(file)
    if not isinstance(rows, list):
        raise InputError("must be a list of objects", file=file, value=rows)
    return [(f"[{position}]", None, row) for position, row in enumerate(rows)]


def _csv_rows(file: Path) -> list[tuple[str, int | None, Any]]:
    try:
        text = read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("not UTF-8", file=file) from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if not {"image", "label"} <= set(reader.fieldnames or ()):
        raise InputError("must have the columns image and label", file=file, line=1, value=reader.fieldnames)
    try:
        return [("", reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InputError(f"not CSV: {error}", file=file, line=reader.line_num) from None


def _from_index(data: Path, file: Path, rows: list[tuple[str, int | None, Any]]) -> tuple[LabelledImage, ...]:
    found: dict[str, LabelledImage] = {}
    for where, line, row in rows:
        if not isinstance(row, dict):
            raise InputError("must be an object", file=file, line=line, field=where, value=row)
        image, label = row.get("image"), row.get("label")
        path = confined(data, image, file=file, line=line, field=f"{where}image")
        name = PurePosixPath(str(image)).as_posix()
        if not isinstance(label, str) or not label.strip():
            raise InputError("must be a class name", file=file, line=line, field=f"{where}label", value=label)
        if name in found:
            raise InputError("image named twice", file=file, line=line, field=f"{where}image", value=name)
        found[name] = LabelledImage(name, path, label)
    if not found:
        raise InputError("names no images", file=file)
    return tuple(found.values())
