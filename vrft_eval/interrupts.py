"""SIGTERM ends a command as Ctrl-C does: what is open is closed, what is held is let go."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from vrft_eval.errors import RunStopped


class Terminated(KeyboardInterrupt):
    """SIGTERM, raised where the process was."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Terminated at SIGTERM and KeyboardInterrupt at Ctrl-C; the second signal ends the process at once.

    May be nested: libraries that take the signals for themselves (Ray does) are overruled by the inner one. Does
    nothing outside of the main thread, where Python can't.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not _interrupt or signal.getsignal(number) is not signal.SIG_DFL:
                signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_DFL)
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


def stopped_by(interrupt: KeyboardInterrupt, kept: str = "") -> RunStopped:
    """What is said of an interrupt, with the exit code that shells give it."""
    name, number = ("SIGTERM", signal.SIGTERM) if isinstance(interrupt, Terminated) else ("Ctrl-C", signal.SIGINT)
    return RunStopped(f"stopped by {name}{kept and f'; {kept}'}", 128 + number)
