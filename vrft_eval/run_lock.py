"""One process at a time in a run folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from vrft_eval.errors import InputError, shorten
from vrft_eval.files import cannot_write

LOCK_FILE = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder, which is made when it isn't there.

    The system itself lets go of the lock of a process that dies, however it dies, so there is no stale one. Raises
    InputError that names the process that has the folder.
    """
    file = folder / LOCK_FILE
    with cannot_write(file):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            message = f"is in use by {_holder(file)}; wait for it, or name another folder"
            raise InputError(message, file=folder) from None
    try:
        # A soft lock, the library's choice where the file system has no better one, writes the same two lines itself.
        if not isinstance(lock, SoftFileLock):
            with suppress(OSError):
                file.write_text(f"{os.getpid()}\n{socket.gethostname()}\n", encoding="utf-8")
        yield
    finally:
        lock.release()


def check_free(folder: Path) -> None:
    """Raise InputError when another process has the folder; makes nothing."""
    if (folder / LOCK_FILE).exists():
        with locked(folder):
            pass


def _holder(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    if len(lines) < 2 or not lines[0].isdecimal():
        return "another process"
    return f"process {shorten(lines[0], 20)} on {shorten(lines[1], 80)}"
