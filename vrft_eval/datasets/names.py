"""Lists of names: of classes by their number, or of the categories that are wanted."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vrft_eval.datasets.checks import is_name
from vrft_eval.errors import InputError, nearest
from vrft_eval.files import read_bytes, read_json

_LONGEST_PATH = 250
_SEPARATORS = re.compile(r"[\s_-]+")


def read_names(file: Path) -> tuple[str, ...]:
    """Read names in the order of their numbers.

    A `.json` file holds a list, or an object from number to name that starts at 0 or 1 (`cat_to_name.json`); any
    other file one name a line. Raises InputError for a name that is blank or occurs twice, and for a gap.
    """
    rows = _json_names(file) if file.suffix.lower() == ".json" else _line_names(file)
    seen: dict[str, str] = {}
    for place, name in rows:
        if not is_name(name):
            raise InputError("must be a name", file=file, field=place, value=name)
        if name in seen:
            raise InputError(f"same name as {seen[name]}", file=file, field=place, value=name)
        seen[name] = place
    if not seen:
        raise InputError("names nothing", file=file)
    return tuple(seen)


def _line_names(file: Path) -> list[tuple[str, Any]]:
    try:
        text = read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("not UTF-8", file=file) from None
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    return [(f"line {number}", line.strip()) for number, line in enumerate(lines, start=1)]


def _json_names(file: Path) -> list[tuple[str, Any]]:
    value = read_json(file)
    if isinstance(value, list):
        return [(f"[{position}]", name) for position, name in enumerate(value)]
    if not isinstance(value, dict):
        raise InputError("must be a list of names, or an object from number to name", file=file, value=value)
    numbered: dict[int, Any] = {}
    for key, name in value.items():
        if not (key.isascii() and key.isdigit() and len(key) < 10):
            raise InputError("must be a class number", file=file, field=key, value=key)
        numbered[int(key)] = name
    first = min(numbered, default=0)
    if first not in (0, 1) or len(numbered) != len(value) or max(numbered, default=0) - first + 1 != len(numbered):
        raise InputError("the numbers must be 0, 1, 2, ... or 1, 2, 3, ... without a gap", file=file)
    return [(str(number), numbered[number]) for number in sorted(numbered)]


def parse_names(option: str, text: str) -> tuple[str, ...]:
    """Read what follows an option: a file of names, or names with commas between them.

    Raises InputError for a file that isn't there, and as `read_names` does.

    >>> parse_names("--categories", "cat, hot dog")
    ('cat', 'hot dog')
    """
    # A long list of names is no file name: asking the system about it would fail.
    if len(text) < _LONGEST_PATH and Path(text).is_file():
        return read_names(Path(text))
    if os.sep in text or text.lower().endswith((".txt", ".json")):
        raise InputError("no such file", field=option, value=text)
    names = [name.strip() for name in text.split(",")]
    for position, name in enumerate(names):
        if not name or name in names[:position]:
            raise InputError("a name is empty or occurs twice", field=option, value=text)
    return tuple(names)


def plain_name(name: str) -> str:
    """A name as it is compared: without case, and with one space for underscores and hyphens.

    >>> plain_name("Feline-or_canid")
    'feline or canid'
    """
    return _SEPARATORS.sub(" ", name.strip()).casefold()


def find_name(wanted: str, known: Mapping[str, int], synonyms: Mapping[int, tuple[str, ...]]) -> int:
    """Find a category's id by its name, however it is spaced and cased.

    Raises InputError that lists the nearest names, and says whose synonym the name is.
    """
    if wanted in known:
        return known[wanted]
    alike = [name for name in known if plain_name(name) == plain_name(wanted)]
    if len(alike) == 1:
        return known[alike[0]]
    if alike:
        raise InputError(f"category {wanted!r} can be {' or '.join(alike)}")
    by_id = {key: name for name, key in known.items()}
    owners = [by_id[key] for key, names in synonyms.items() if plain_name(wanted) in map(plain_name, names)]
    hint = f"it is a synonym of {' and of '.join(owners)}" if owners else nearest(wanted, tuple(known))
    raise InputError(f"there is no category {wanted!r}; {hint}")
