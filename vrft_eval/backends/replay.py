"""Recorded answers, read from JSON Lines and checked against the data before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from vrft_eval.errors import InputError
from vrft_eval.files import read_bytes, read_json_lines
from vrft_rewards import completion_text


def load_recorded(file: Path, known: Callable[[str], str | None]) -> tuple[dict[str, str], str]:
    """Read {"id", "completion"} lines; further fields are ignored.

    `known(id)` says what is wrong with an id, or None. Returns the completions in file order and the file's
    SHA-256. Raises InputError with file, line and value for a line that isn't an object, a missing or unknown
    id, an id answered twice, or a completion that is neither text nor a message list.
    """
    completions: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, row in read_json_lines(file):
        key, completion = row.get("id"), row.get("completion")
        if not isinstance(key, str):
            raise InputError("must be text", file=file, line=line, field="id", value=key)
        if key in lines:
            raise InputError(f"already answered on line {lines[key]}", file=file, line=line, field="id", value=key)
        wrong = known(key)
        if wrong is not None:
            raise InputError(wrong, file=file, line=line, field="id", value=key)
        if not isinstance(completion, (str, list)):
            raise InputError(
                "must be text or a message list", file=file, line=line, field="completion", value=completion
            )
        completions[key], lines[key] = clean_text(completion_text(completion)), line
    return completions, hashlib.sha256(read_bytes(file)).hexdigest()


def clean_text(text: str) -> str:
    """Replace lone surrogates, which no file can hold as UTF-8, by their escapes.

    >>> clean_text("a" + chr(0xD800))
    'a\\\\ud800'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
