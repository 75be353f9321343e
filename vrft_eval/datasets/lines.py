"""Text files of one entry a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vrft_eval.errors import InputError
from vrft_eval.files import read_bytes


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, text) of lines that are neither blank nor a `#` comment. Raises InputError."""
    try:
        text = read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("not UTF-8", file=file) from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line.strip()
