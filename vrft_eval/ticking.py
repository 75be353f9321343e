"""Something done every few seconds while other work goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def every(seconds: float, work: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Do `work` in a thread every so many seconds, until it raises or the block ends.

    Yields a function that raises what the work has raised, to be called now and then.
    """
    ended = threading.Event()
    raised: list[BaseException] = []

    def run() -> None:
        while not ended.wait(seconds):
            try:
                work()
            except (OSError, ValueError) as error:
                raised.append(error)
                return

    def check() -> None:
        if raised:
            raise raised[0]

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield check
    finally:
        ended.set()
        thread.join()
