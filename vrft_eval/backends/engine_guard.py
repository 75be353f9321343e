"""No engine outlives who started it: a process killed outright can't end its engine, which would keep its GPU."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

# Waits for the end of its standard input, which comes with the end of whoever holds the other side. File descriptors
# of processes, unlike their numbers, never come to mean another process.
_PROGRAM = """
import os, signal, sys
held = []
for number in sys.argv[1:]:
    try:
        held.append(os.pidfd_open(int(number)))
    except OSError:
        pass
sys.stdin.buffer.read()
for process in held:
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
    except OSError:
        pass
"""


class Guard:
    """A small process that kills `processes` (by number) when this process has ended in any way, or at `close`.

    Where the system has no file descriptors of processes (it isn't Linux), there is no guard.
    """

    def __init__(self, processes: Iterable[int]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        numbers = [str(number) for number in processes]
        if sys.platform == "linux" and numbers:
            # A session of its own, so that a Ctrl-C at the terminal is none of its business.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _PROGRAM, *numbers],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )

    def close(self) -> None:
        """Kill what is left of them."""
        if self._process is not None:
            self._process.communicate()
            self._process = None
