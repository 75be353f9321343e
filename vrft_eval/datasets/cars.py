"""Stanford Cars as published: `cars_test/00001.jpg`, `cars_test_annos_withlabels.mat`, `devkit/cars_meta.mat`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from vrft_eval.datasets.labelled import Collector, Labelled
from vrft_eval.datasets.matlab import read_mat
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings

_YEAR_LAST = re.compile(r"(.+) (\d{4})")


def load_cars(file: Path, folder: Path, prefix: str, options: LoadOptions, findings: Findings) -> Labelled:
    """Read the annotations and the class names, with the year moved to the front as CoOp and Visual-RFT have it.

    Raises InputError when the annotations have no classes (the test file without labels), or a class is unknown.
    """
    records = read_mat(file, "annotations")["annotations"]
    if not {"fname", "class"} <= set(records.dtype.names or ()):
        raise InputError(
            "must have the fields fname and class (of the test set, only cars_test_annos_withlabels.mat has them)",
            file=file,
            field="annotations",
        )
    labels = options.labels or _class_names(file)
    collector = Collector(file, folder, findings, labels, prefix)
    for position, record in enumerate(records.reshape(-1)):
        where = f"annotations[{position}]."
        collector.add_numbered(_text(record["fname"]), _number(record["class"]), labels, first=1, where=where)
    return collector.done()


def year_first(name: str) -> str:
    """Move a year from the end to the front.

    >>> year_first("AM General Hummer SUV 2000")
    '2000 AM General Hummer SUV'
    """
    match = _YEAR_LAST.fullmatch(name)
    return name if match is None else f"{match[2]} {match[1]}"


def _class_names(file: Path) -> tuple[str, ...]:
    for meta in (file.parent / "devkit" / "cars_meta.mat", file.parent / "cars_meta.mat"):
        if meta.is_file():
            names = tuple(year_first(_text(name)) for name in read_mat(meta, "class_names")["class_names"].reshape(-1))
            if len(set(names)) != len(names) or not all(names):
                raise InputError("a name is empty or occurs twice", file=meta, field="class_names")
            return names
    raise InputError("there is no devkit/cars_meta.mat with the class names; or give --labels FILE", file=file.parent)


def _text(value: Any) -> str:
    return str(value.item() if hasattr(value, "item") else value)


def _number(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
