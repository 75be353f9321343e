"""The splits of CoOp (arXiv 2109.01134), `split_zhou_*.json`, which Visual-RFT's classification tables use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vrft_eval.datasets.checks import is_name, is_whole
from vrft_eval.datasets.labelled import Collector, Labelled
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.errors import InputError
from vrft_eval.files import read_json
from vrft_eval.findings import Findings

_SPLITS = ("test", "train", "val")


def load_coop(file: Path, folder: Path, prefix: str, options: LoadOptions, findings: Findings) -> Labelled:
    """Read {"train" | "val" | "test": [[path, class number, class name], ...]}; the paths are relative to `folder`.

    The closed set is that of the whole file. Raises InputError for a number with two names, or a name with two numbers.
    """
    document = read_json(file)
    if not isinstance(document, dict):
        raise InputError("must be an object with train, val and test", file=file, value=document)
    split = options.split or _SPLITS[0]
    if split not in _SPLITS or not isinstance(document.get(split), list):
        there = [name for name in _SPLITS if isinstance(document.get(name), list)]
        raise InputError(f"there is no such split; there are {', '.join(there)}", file=file, field="split", value=split)
    names = _class_names(document, file, findings)
    labels = options.labels or tuple(names[number] for number in sorted(names))
    collector = Collector(file, folder, findings, labels, prefix)
    for position, row in enumerate(document[split]):
        if _fits(row):
            collector.add(row[0], _name(row, labels, options), where=f"{split}[{position}].")
    return collector.done()


def _name(row: list[Any], labels: tuple[str, ...], options: LoadOptions) -> Any:
    renamed = options.labels is not None and 0 <= row[1] < len(labels)
    return labels[row[1]] if renamed else row[2]


def _class_names(document: dict[str, Any], file: Path, findings: Findings) -> dict[int, str]:
    names: dict[int, str] = {}
    numbers: dict[str, int] = {}
    for split in _SPLITS:
        rows = document.get(split, [])
        for position, row in enumerate(rows if isinstance(rows, list) else []):
            where = f"{split}[{position}]"
            if not _fits(row):
                message = "must be [path, class number, class name]"
                findings.error("unusable_entry", InputError(message, file=file, field=where, value=row))
            elif names.setdefault(row[1], row[2]) != row[2] or numbers.setdefault(row[2], row[1]) != row[1]:
                message = f"class {row[1]} is called {names[row[1]]!r} elsewhere, or another class has this name"
                findings.error("duplicate_id", InputError(message, file=file, field=where, value=row[2]))
    return names


def _fits(row: Any) -> bool:
    return isinstance(row, list) and len(row) == 3 and is_whole(row[1]) and is_name(row[2])
