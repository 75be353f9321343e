"""Oxford-IIIT Pets as published: `images/Abyssinian_1.jpg`, `annotations/test.txt`."""

from __future__ import annotations

from pathlib import Path

from vrft_eval.datasets.labelled import Collector, Labelled
from vrft_eval.datasets.lines import read_lines
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings


def load_pets(file: Path, folder: Path, prefix: str, options: LoadOptions, findings: Findings) -> Labelled:
    """Read lines of `name class species breed`; a class is named as its images are, in lower case.

    Raises InputError for a line that doesn't fit, and for a class number with two names.
    """
    rows: list[tuple[int, str, int]] = []
    names: dict[int, str] = {}
    for line, text in read_lines(file):
        parts = text.split()
        breed = parts[0].rpartition("_")[0].lower() if parts else ""
        if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts[1:]) or not breed:
            message = "must be: image name, class, species, breed"
            findings.error("unusable_entry", InputError(message, file=file, line=line, value=text))
            continue
        number = int(parts[1])
        if names.setdefault(number, breed) != breed:
            message = f"class {number} is {names[number]!r} above"
            findings.error("duplicate_id", InputError(message, file=file, line=line, value=text))
            continue
        rows.append((line, parts[0], number))
    labels = options.labels or tuple(names[number] for number in sorted(names))
    collector = Collector(file, folder, findings, labels, prefix)
    for line, name, number in rows:
        if options.labels is None:
            collector.add(f"{name}.jpg", names[number], line=line)
        else:
            collector.add_numbered(f"{name}.jpg", number, labels, first=1, line=line)
    return collector.done()
