"""What an engine's own processes say, kept aside: the one line of it that tells why they ended."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_ERROR = re.compile(r"(?:^|[\s\]])((?:\w+\.)*\w*(?:Error|Exception|Interrupt)): (\S.*)")
_ECHOES = ("EngineDead", "Engine core initialization failed", "WorkerProc initialization failed", "Executor failed")
_TAIL = 2**18


class EngineLog:
    """A file that takes the stderr of processes started within `inherited`, and goes with this object."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._seen = 0

    @contextmanager
    def inherited(self) -> Iterator[None]:
        """Let processes that are started here write to the file instead of the terminal."""
        sys.stderr.flush()
        terminal = os.dup(2)
        os.dup2(self._file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)

    def seen(self) -> None:
        """Let what has been written so far be no reason of anything."""
        self._seen = os.fstat(self._file.fileno()).st_size

    def reason(self) -> str | None:
        """The first error written since `seen`, as one line; what follows from it comes after it."""
        size = os.fstat(self._file.fileno()).st_size
        start = max(self._seen, size - _TAIL)
        text = os.pread(self._file.fileno(), size - start, start).decode("utf-8", "replace")
        for line in text.splitlines():
            found = _ERROR.search(line)
            if found and not any(echo in line for echo in _ECHOES):
                return " ".join(f"{found[1].rpartition('.')[2]}: {found[2]}".split())
        return None
