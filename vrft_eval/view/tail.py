"""A journal that grows: what was answered since the last look."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from vrft_eval.errors import InputError
from vrft_eval.files import parse_json
from vrft_eval.tally import Tally

_KNOWN = 4096
"""Bytes by which the end of what was read is known again."""


class Tail:
    """Counts the answers of a journal as they come; a torn last line waits for its end.

    What is in a line is only looked at as far as it is counted: scoring reads and checks the whole.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._restart()

    def _restart(self) -> None:
        self._end, self._inode, self._last = 0, 0, b""
        self._failed: dict[str, bool] = {}
        self._tally: Tally | None = None

    def look(self, total: int) -> Tally:
        """Read on, and return the count so far of a total. Raises InputError for a line that is no answer."""
        try:
            return self._look(total)
        except InputError:
            self._restart()  # the line is told again as long as it is there, and no later one is missed
            raise

    def _look(self, total: int) -> Tally:
        data = self._new_bytes()
        tally = self._tally
        if tally is None:
            for line in data.splitlines():
                key, failed, _ = self._answer(line)
                self._failed[key] = failed
            failures = sum(self._failed.values())
            self._tally = tally = Tally(total, answered=len(self._failed) - failures, failed=failures)
        else:
            for line in data.splitlines():
                key, failed, tokens = self._answer(line)
                before = self._failed.get(key)
                if before is not None:  # asked again
                    tally.failed -= before
                    tally.answered -= not before
                self._failed[key] = failed
                tally.add(failed=failed, tokens=tokens)
        tally.total = total
        return tally

    def _new_bytes(self) -> bytes:
        """The whole lines that were added."""
        try:
            with self._file.open("rb") as stream:
                inode = os.fstat(stream.fileno()).st_ino
                stream.seek(self._end - len(self._last))
                # The run was started over; a new file may have the old one's inode, and be longer by now.
                if inode != self._inode or stream.read(len(self._last)) != self._last:
                    self._restart()
                self._inode = inode
                stream.seek(self._end)
                data = stream.read()
        except FileNotFoundError:
            self._restart()
            return b""
        whole = data[: data.rfind(b"\n") + 1]
        self._end += len(whole)
        self._last = (self._last + whole[-_KNOWN:])[-_KNOWN:]
        return whole

    def _answer(self, line: bytes) -> tuple[str, bool, int]:
        read: Any = parse_json(line, self._file) if line.strip() else {}
        row: dict[str, Any] = read if isinstance(read, dict) else {}
        tokens = row.get("tokens")
        return str(row.get("id")), row.get("completion") is None, tokens if isinstance(tokens, int) else 0
