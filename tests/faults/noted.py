"""The real command over a real backend, with what reaches the backend, and what of it was kept, written down.

As a script: `noted.py DESCRIPTOR FAULT COUNT ARGUMENT...` runs `vrft-eval ARGUMENT...`, writes its notes to an open
file descriptor, and does FAULT to itself once COUNT answers are kept: `worker` kills a worker process, `none` nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from vrft_eval.backends import Answer, Backend, Prompt, Sampling
from vrft_eval.backends.registry import load_backend

Note = Callable[[str, str], None]


class Noted:
    """A backend; notes ("asked", id) for a prompt that it takes, ("answered" or "failed", id) once that is kept."""

    def __init__(self, backend: Backend, note: Note) -> None:
        self.name, self._backend, self._note = backend.name, backend, note

    def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
        def taken() -> Iterator[Prompt]:
            for prompt in prompts:
                self._note("asked", prompt.id)
                yield prompt

        for answer in self._backend.answer(taken(), sampling):
            yield answer
            self._note("failed" if answer.completion is None else "answered", answer.id)

    def restart(self) -> None:
        self._note("restarted", "")
        self._backend.restart()

    def close(self) -> None:
        self._backend.close()


@contextmanager
def noted(note: Note) -> Iterator[None]:
    """Note what reaches the backends that are loaded meanwhile."""
    with patch("vrft_eval.generation.load_backend", lambda *given: Noted(load_backend(*given), note)):
        yield


def _run(descriptor: int, fault: str, count: int, arguments: list[str]) -> None:
    from vrft_eval.cli import main

    kept = 0

    def note(event: str, key: str) -> None:
        nonlocal kept
        os.write(descriptor, f"{event} {key}\n".encode())
        kept += event == "answered"
        if fault == "worker" and event == "answered" and kept == count:
            multiprocessing.active_children()[0].kill()

    sys.argv = ["vrft-eval", *arguments]
    with noted(note):
        main()


if __name__ == "__main__":
    _run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:])
