"""Visual-RFT's `val_data`: a `.pth` that lists images of another machine with class numbers, names in a `.txt`."""

from __future__ import annotations

import os.path
from pathlib import Path, PurePosixPath
from typing import Any

from vrft_eval.datasets.labelled import Collector, Labelled
from vrft_eval.datasets.names import read_names
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.errors import InputError
from vrft_eval.files import read_bytes
from vrft_eval.findings import Findings


def load_released(file: Path, home: Path, options: LoadOptions, findings: Findings) -> Labelled:
    """Read [{absolute path: {"label": tensor, ...}}, ...] without running any code that the file may hold.

    The folder that all paths have in common becomes the image folder, or else one of its name in `home`. The names
    are those of `--labels`, or of the `.txt` beside the file. Raises InputError for anything else in the file.
    """
    if options.split not in (None, "test"):
        raise InputError("holds the test split only", file=file, field="split", value=options.split)
    rows = [_row(entry, position, file, findings) for position, entry in enumerate(_entries(file))]
    found = [row for row in rows if row is not None]
    if not found:
        raise InputError("names no images", file=file)
    common = PurePosixPath(os.path.commonpath([path.parent.as_posix() for _, path, _ in found]))
    names = options.labels or _names(file)
    collector = Collector(file, options.images or home / common.name, findings, names, common.name)
    for position, path, number in found:
        image = path.relative_to(common).as_posix()
        collector.add_numbered(image, number, names, first=0, where=f"[{position}].")
    return collector.done()


def _entries(file: Path) -> list[Any]:
    import torch

    read_bytes(file)  # says that it is absent or empty
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    # PyTorch lists no errors for a file that is broken or holds code: whatever is raised means that it can't be read.
    except Exception as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise InputError(f"not a .pth file of plain values and tensors: {reason}", file=file) from None
    if not isinstance(found, list):
        raise InputError("must be a list", file=file, value=type(found).__name__)
    return found


def _row(entry: Any, position: int, file: Path, findings: Findings) -> tuple[int, PurePosixPath, Any] | None:
    """(position, absolute path, class number) of an entry."""
    import torch

    if isinstance(entry, dict) and len(entry) == 1:
        ((name, values),) = entry.items()
        label = values.get("label") if isinstance(values, dict) else None
        if isinstance(label, torch.Tensor) and label.numel() == 1 and not label.is_floating_point():
            label = int(label.item())
        if isinstance(name, str) and PurePosixPath(name).is_absolute() and type(label) is int:
            return position, PurePosixPath(name), label
    message = 'must be {absolute path: {"label": whole number}}'
    findings.error("unusable_entry", InputError(message, file=file, field=f"[{position}]", value=entry))
    return None


def _names(file: Path) -> tuple[str, ...]:
    names = file.with_suffix(".txt")
    if not names.is_file():
        raise InputError("the class names are missing: there is no such file, or give --labels FILE", file=names)
    return read_names(names)
