"""Keep other libraries' chatter out of our output, and the garbage collector out of our work."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def quiet_transformers() -> None:
    """Switch off transformers' own progress bars."""
    from transformers.utils import logging

    untyped: Any = logging
    untyped.disable_progress_bar()


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Put the collector of reference cycles off. Reading and judging make a great many small objects, all of which
    stay and none of which are cycles: looking through them again and again would be a fifth of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
