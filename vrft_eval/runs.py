"""The run folder: what was asked, the journals of answers, and how a run is continued."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from pydantic import BaseModel

from vrft_eval.backends.protocol import Answer
from vrft_eval.errors import InputError, shorten
from vrft_eval.files import cannot_write, dump_json, parse_json, write_atomic
from vrft_eval.run_lock import LOCK_FILE, check_free, locked
from vrft_eval.schemas import ResponseLine, RunInfo, Settings, read_file, validate

FILES = ("run.json", "responses.jsonl", "predictions.json", "report.json", "report.md", "report.html")
GATE_FILES = ("gate.jsonl", "gate.json")
MASKS_FILE = "masks.jsonl"
_FINGERPRINTS = ("data", "model", "responses", "gate_map", "generation.lora", "generation.constraint")
_OURS_TOO = ("data", LOCK_FILE, MASKS_FILE)

Line = TypeVar("Line", bound=BaseModel)


class RunFolder:
    """One run on disk. Nothing is written until `begin`.

    With watching it is only looked at: another process may have it meanwhile, and its lock isn't touched.
    """

    def __init__(self, path: Path, *, watching: bool = False) -> None:
        self.path = path
        self._watching = watching
        self.info_file = path / "run.json"
        self.journal_file = path / "responses.jsonl"
        self.gate_journal_file = path / "gate.jsonl"
        self.gate_file = path / "gate.json"
        self.masks_file = path / MASKS_FILE
        self._held = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out; makes the folder. Raises InputError naming the process that has it."""
        with locked(self.path):
            self._held = True
            try:
                yield
            finally:
                self._held = False

    def check(self, settings: Settings | None = None, *, new: bool = False) -> None:
        """Raise InputError when the folder can't take a run with these settings.

        It is a file, in use, holds other people's files, or a run whose settings differ: then the message lists what
        differs. With `new` the run that is there doesn't matter.
        """
        if self.path.exists() and not self.path.is_dir():
            raise InputError("is a file, not a folder for a run", file=self.path)
        if not self._held and not self._watching:
            check_free(self.path)
        if new or not self.path.exists():
            return
        if not self.info_file.exists():
            strangers = sorted(entry.name for entry in self.path.iterdir() if entry.name not in _OURS_TOO)
            if strangers:
                listed = ", ".join(strangers[:5])
                raise InputError(f"is not empty and holds no run ({listed}); name another folder", file=self.path)
        elif settings is not None:
            differing = differences(self.read_info().settings, settings)
            if differing:
                raise InputError(
                    "holds a run with other settings; name another folder, or start over with --new\n  "
                    + "\n  ".join(differing),
                    file=self.path,
                )

    def read_info(self) -> RunInfo:
        """The run's run.json. Raises InputError when it is missing, broken or newer."""
        if not self.info_file.exists():
            inside = sorted(file.parent.name for file in self.path.glob("*/run.json"))
            hint = f"; runs in it: {shorten(', '.join(inside), 200)}" if inside else ""
            raise InputError("holds no run (there is no run.json)", file=self.path, hint=hint)
        return read_file(RunInfo, self.info_file)

    def continued(self, info: RunInfo, *, new: bool = False) -> RunInfo:
        """The info of the run that is there, read as `info` says; `info` itself when there is none (or `new`).

        Writes nothing. Raises InputError as `check` does.
        """
        self.check(info.settings, new=new)
        if new or not self.info_file.exists():
            return info
        return self.read_info().model_copy(update={"scoring": info.scoring, "source": info.source})

    def begin(self, info: RunInfo, *, new: bool = False) -> RunInfo:
        """Start the run, or continue the one that is there; returns its info.

        `new` deletes the run's own files (nothing else) first. Raises InputError as `check` does.
        """
        info = self.continued(info, new=new)
        if new:
            for name in (*FILES, *GATE_FILES, MASKS_FILE):
                (self.path / name).unlink(missing_ok=True)
        self.write_info(info)
        return info

    def write_info(self, info: RunInfo) -> None:
        """Write run.json."""
        write_atomic(self.info_file, dump_json(info.model_dump(mode="json")))

    def answers(self) -> dict[str, Answer]:
        """The answers in the journal, as `read_answers` reads them."""
        return read_answers(self.journal_file)

    def gate_answers(self) -> dict[str, Answer]:
        """The same of the gate's journal."""
        return read_answers(self.gate_journal_file)


def read_answers(journal: Path) -> dict[str, Answer]:
    """A journal's answers by id, a later line before an earlier one; a torn last line is left out.

    Raises InputError naming a line, other than a torn last one, that doesn't fit.
    """
    return {line.id: Answer(**line.model_dump()) for line in read_lines(journal, ResponseLine)[0]}


class Journal:
    """An append-only file of JSON lines: each is in the system's hands at once, and on disk after `sync`.

    A torn last line is cut off when it is opened. Raises InputError when a line that is there doesn't fit the model,
    and when the disk is full or nothing may be written.
    """

    def __init__(self, path: Path, model: type[BaseModel] = ResponseLine) -> None:
        _, end = read_lines(path, model)
        self._path = path
        with cannot_write(path):
            # Unbuffered: what a full disk refused must not be written again when the file is closed.
            self._stream: FileIO = path.open("ab", buffering=0)
            if self._stream.tell() > end:
                self._stream.truncate(end)

    def append(self, answer: Answer) -> None:
        """Write one answer."""
        self.write(journal_line(answer))

    def write(self, line: bytes) -> None:
        """Write one line, with its line break."""
        rest = memoryview(line)
        with cannot_write(self._path, "what is there already is kept, and the same command continues from there"):
            while rest:
                rest = rest[self._stream.write(rest) :]

    def sync(self) -> None:
        """Force what was written to disk."""
        with cannot_write(self._path):
            os.fsync(self._stream.fileno())

    def __enter__(self) -> Journal:
        """Return the journal."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sync and close."""
        try:
            if error is None:
                self.sync()
        finally:
            self._stream.close()


_encode = json.JSONEncoder(allow_nan=False).encode


_MORE = ("error", "finish", "tokens", "prompt_tokens", "cached_tokens")
_more = attrgetter(*_MORE)
_NO_MORE = (None,) * len(_MORE)


def journal_line(answer: Answer) -> bytes:
    """One line of responses.jsonl; fields without a value are left out, but for the completion."""
    text, more = f'"id": {_encode(answer.id)}, "completion": {_encode(answer.completion)}', _more(answer)
    if more != _NO_MORE:  # a recorded answer has none, and there may be very many of these
        given = zip(_MORE, more, strict=True)
        text += "".join(f', "{name}": {_encode(value)}' for name, value in given if value is not None)
    return f"{{{text}}}\n".encode("ascii")


def journal_bytes(answers: Iterable[Answer]) -> bytes:
    """A whole journal."""
    return b"".join(journal_line(answer) for answer in answers)


def read_lines(path: Path, model: type[Line]) -> tuple[list[Line], int]:
    """The lines of a journal that are whole, and where the last of them ends; none where there is no file.

    Raises InputError naming a line, other than a torn last one, that doesn't fit the model.
    """
    lines: list[Line] = []
    end = 0
    if not path.exists():
        return lines, end
    for number, raw in enumerate(_raw_lines(path), start=1):
        if not raw.endswith(b"\n"):
            break  # the process died while it wrote this line
        if raw.strip():
            lines.append(validate(model, parse_json(raw, path, number), path, number))
        end += len(raw)
    return lines, end


def _raw_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from stream


def differences(before: Settings, after: Settings, when: tuple[str, str] = ("then", "now")) -> list[str]:
    """What differs between two runs' settings, one line a setting."""
    old, new = _flat(before.model_dump()), _flat(after.model_dump())
    return [
        f"{key}: {_shown(key, old.get(key))} {when[0]}, {_shown(key, new.get(key))} {when[1]}"
        for key in sorted(old | new)
        if old.get(key) != new.get(key)
    ]


def _flat(values: dict[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}": item for inner, item in value.items()})
        else:
            flat[key] = value
    return flat


def _shown(key: str, value: object) -> str:
    # Fingerprints are told apart by their first digits.
    return str(value)[:12] if key in _FINGERPRINTS and value else shorten(repr(value), 60)
