"""Reading and writing files: errors that say where, writes that are whole or not there."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import msgspec

from vrft_eval.errors import InputError, shorten


def read_bytes(path: Path) -> bytes:
    """Read a file. Raises InputError when it is absent, unreadable or empty."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("no such file", file=path) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=path) from None
    if not data.strip():
        raise InputError("the file is empty", file=path)
    return data


def parse_json(
    data: bytes, path: Path, first_line: int = 1, leave_out: frozenset[str] = frozenset(), *, unique: bool = False
) -> Any:
    """Decode one JSON text. Raises InputError with the line and the column.

    `leave_out` names fields that are dropped from every object as soon as it is read: a large file of which little
    is needed then takes little memory. `unique` refuses an object that has a key twice, of which JSON keeps the last.
    """
    if not leave_out and not unique and (quick := _quick_value(data)) is not _UNREAD:
        return quick

    def kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if unique and len(pairs) > len(found := Counter(key for key, _ in pairs)):
            raise ValueError(f"the key {shorten(repr(found.most_common(1)[0][0]))} is there twice")
        return {key: value for key, value in pairs if key not in leave_out}

    try:
        return json.loads(data, object_pairs_hook=kept if leave_out or unique else None)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise InputError(f"not JSON: {error.msg} at column {error.colno}", file=path, line=line) from None
    except UnicodeDecodeError as error:
        line = first_line + data[: error.start].count(b"\n")
        raise InputError("not UTF-8", file=path, line=line, value=data[error.start : error.start + 1]) from None
    except (RecursionError, ValueError) as error:
        raise InputError(f"not JSON that can be read: {error}", file=path, line=first_line) from None


_UNREAD = object()


def _quick_value(data: bytes) -> Any:
    """What json makes of a text, in a fifth of the time; `_UNREAD` for one that is refused, or that only json takes."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _UNREAD


def read_json(path: Path, leave_out: frozenset[str] = frozenset(), *, unique: bool = False) -> Any:
    """Read a JSON file. Raises InputError with the line and the column; the options are those of `parse_json`."""
    return parse_json(read_bytes(path), path, leave_out=leave_out, unique=unique)


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, object) of a JSON Lines file; blank lines are skipped.

    Raises InputError naming the line that is not a JSON object.
    """
    for number, line in enumerate(read_bytes(path).split(b"\n"), start=1):
        if not line.strip():
            continue
        value = parse_json(line, path, number)
        if not isinstance(value, dict):
            raise InputError("must be a JSON object", file=path, line=number, value=value)
        yield number, value


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file by way of a temporary one beside it, so a reader never sees half of it.

    Raises InputError when the disk is full or the folder may not be written.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with cannot_write(path):
        _write_atomic(path, data)


@contextmanager
def cannot_write(path: Path, comfort: str = "") -> Iterator[None]:
    """Turn what the system says about a full disk or a folder that may not be written into one InputError."""
    try:
        yield
    except OSError as error:
        more = f"; {comfort}" if comfort else ""
        raise InputError(f"cannot be written: {error.strerror or error}{more}", file=path) from None


def _write_atomic(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes the file private; a report is as readable as any new file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def dump_json(value: Any) -> str:
    """Serialise to strict JSON with a final newline; ASCII only, so that any text survives any reader.

    Raises ValueError for NaN and infinities.
    """
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def compact_json(value: Any) -> bytes:
    """The same in one line, for what is long and seldom read; may hold msgspec's structs. Raises ValueError alike."""
    try:
        text = msgspec.json.encode(value)
    except UnicodeError:
        text = b""
    # Where there is a null, there was perhaps a NaN.
    if text and text.isascii() and b"null" not in text:
        return text + b"\n"
    return json.dumps(msgspec.to_builtins(value), allow_nan=False).encode("ascii") + b"\n"


# Names that need no closer look, as nearly all are: words with single dots or slashes between them.
_is_plain = re.compile(r"[\w-]+(?:[./][\w-]+)*", re.ASCII).fullmatch


def confined(root: Path, name: Any, *, file: Path, field: str, line: int | None = None) -> Path:
    """Join a relative path found in a data file to the data folder.

    Raises InputError when the name is not text, is empty or absolute, or climbs out with `..`.
    """
    if isinstance(name, str) and _is_plain(name):
        return root / name
    if not isinstance(name, str) or not name or "\0" in name:
        raise InputError("must be a relative path", file=file, line=line, field=field, value=name)
    windows = PureWindowsPath(name)
    if PurePosixPath(name).is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise InputError(
            "must stay inside the data folder (no absolute path, no '..')",
            file=file,
            line=line,
            field=field,
            value=name,
        )
    return root / name
