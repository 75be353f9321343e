"""Hugging Face data of the kind Visual-RFT trains on: columns image, problem and solution."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrft_eval.datasets.embedded import Embedded, Table
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.errors import InputError
from vrft_eval.files import confined, read_json
from vrft_eval.findings import Findings
from vrft_eval.images import ImageError, Size, embedded_size
from vrft_rewards import parse_response
from vrft_rewards.nearest import did_you_mean

_SHARD = re.compile(r"(?P<split>.+?)(-\d+-of-\d+)?\.parquet")


@dataclass(frozen=True)
class HubRow:
    """One row: its number, where its image will lie once it is needed, and the two texts."""

    row: int
    path: Path
    size: Size
    problem: str
    answer: str


def is_hub(data: Path | None) -> bool:
    """Tell whether a folder holds a saved DatasetDict or Dataset, or Parquet files as on the Hub."""
    return (
        data is not None
        and data.is_dir()
        and ((data / "dataset_dict.json").is_file() or (data / "state.json").is_file() or bool(_parquet(data)))
    )


def read_hub(options: LoadOptions, findings: Findings) -> tuple[list[HubRow], Embedded]:
    """Read the rows of one split: without `--split` that is `test`, or the only one there is.

    Raises InputError for a row whose image or texts can't be used.
    """
    if options.data is None:
        raise InputError("--data is needed")
    table = _table(options.data, options.split)
    # Another table's images may lie there already, from a run that was started over.
    home = (options.unpacked or options.data) / f"images-{table.fingerprint()}"
    sizes = _sizes(table, home, findings)
    rows = []
    for row, (problem, solution) in enumerate(table.columns("problem", "solution")):
        if row not in sizes:
            continue
        if not isinstance(problem, str) or not isinstance(solution, str):
            value = solution if isinstance(problem, str) else problem
            error = InputError("problem and solution must be text", file=table.folder, field=f"row {row}", value=value)
            findings.error("unusable_entry", error)
            continue
        path, size = sizes[row]
        answer = parse_response(solution).answer
        rows.append(HubRow(row, path, size, problem, solution if answer is None else answer))
    if not rows:
        raise InputError("holds no rows", file=table.folder)
    return rows, Embedded(table, {row.path: row.row for row in rows})


def bad_row(row: HubRow, folder: Path, message: str, value: Any, findings: Findings) -> None:
    """Refuse (or count) a row whose texts don't say what they must."""
    findings.error("unusable_entry", InputError(message, file=folder, field=f"row {row.row}", value=value))


def note_question(row: HubRow, findings: Findings) -> None:
    """Count a row whose own question isn't what the task will ask."""
    findings.see("other_question", f"row {row.row}: {row.problem[:80]!r}")


def plain_question(text: str) -> str:
    """A question as it is compared: without the `<image>` line, and with single spaces.

    >>> plain_question("<image>\\n What is  it?")
    'What is it?'
    """
    return " ".join(text.replace("<image>", " ").split())


def _sizes(table: Table, home: Path, findings: Findings) -> dict[int, tuple[Path, Size]]:
    found: dict[int, tuple[Path, Size]] = {}
    for row, data in table.images():
        name = f"row {row}"
        if data is None:
            message = "holds no image, only the path of one; save the data set with its images embedded"
            findings.error("image_absent", InputError(message, file=table.folder, field=name))
            continue
        try:
            size, kind = embedded_size(data, f"{table.folder}, {name}")
        except ImageError as error:
            findings.error(error.kind, error)
            continue
        found[row] = home / f"{row:06d}.{kind.lower()}", size
    return found


def _table(data: Path, split: str | None) -> Table:
    splits = _splits(data)
    if not splits:
        raise InputError("holds no rows", file=data)
    name = split or ("test" if "test" in splits else next(iter(splits)))
    if name not in splits or (split is None and name != "test" and len(splits) > 1):
        named = f"--split must be one of {', '.join(sorted(splits))}"
        raise InputError(named, file=data, value=split, hint=did_you_mean(split, splits))
    return Table(data, splits[name])


def _splits(data: Path) -> dict[str, tuple[Path, ...]]:
    """The files of each split."""
    if (data / "dataset_dict.json").is_file():
        file = data / "dataset_dict.json"
        document = read_json(file)
        names = document.get("splits") if isinstance(document, dict) else None
        if not isinstance(names, list) or not names:
            raise InputError("must be a list of splits", file=file, field="splits", value=names)
        folders = {str(name): confined(data, name, file=file, field="splits") for name in names}
        return {name: _saved(folder) for name, folder in folders.items()}
    if (data / "state.json").is_file():
        return {"all": _saved(data)}
    found: dict[str, tuple[Path, ...]] = {}
    for path in _parquet(data):
        match = _SHARD.fullmatch(path.name)
        if match is not None:
            found[match["split"]] = (*found.get(match["split"], ()), path)
    return found


def _saved(folder: Path) -> tuple[Path, ...]:
    """The files that `Dataset.save_to_disk` wrote."""
    file = folder / "state.json"
    document = read_json(file)
    files = document.get("_data_files") if isinstance(document, dict) else None
    if not isinstance(files, list) or not all(isinstance(entry, dict) for entry in files):
        raise InputError("must be a list of files", file=file, field="_data_files", value=files)
    return tuple(confined(folder, entry.get("filename"), file=file, field="_data_files") for entry in files)


def _parquet(data: Path) -> list[Path]:
    return sorted(data.glob("*.parquet")) or sorted((data / "data").glob("*.parquet"))
