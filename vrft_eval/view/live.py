"""One viewed run: how far it is, and its page, scored again when that is worth it."""

from __future__ import annotations

import os
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from vrft_eval.runs import RunFolder
from vrft_eval.schemas import RunInfo
from vrft_eval.tally import as_clock
from vrft_eval.view.finding import finished, last_answer
from vrft_eval.view.scored import Watched
from vrft_eval.view.tail import Tail

_LEAST = 2.0
_TIMES = 5
"""Scoring takes no more than a sixth of the time."""
_QUIET = 60.0
_AGAIN = 5.0
"""Seconds until data that couldn't be loaded are tried again."""


@dataclass(frozen=True)
class Status:
    """What the line above the page says.

    version changes with the page, and is empty while there is none; scored is how many samples the page is about.
    """

    finished: bool
    version: str
    scored: int
    line: str
    error: str | None


class LiveRun:
    """A run that is looked at, from many threads at once. The executor works on one thing at a time."""

    def __init__(self, path: Path, executor: Executor) -> None:
        self.path = path
        self._executor = executor
        self._lock, self._loading = Lock(), Lock()
        self._answers, self._gate = Tail(path / "responses.jsonl"), Tail(path / "gate.jsonl")
        self._watched: Watched | None = None
        self._images: set[Path] | None = None
        self._images_next = 0.0
        self._page, self._scored, self._count = "", 0, 0
        self._seen: tuple[int, ...] | None = None
        self._working, self._next = False, 0.0
        self._error: str | None = None

    def status(self) -> Status:
        """Look at the run's files, and have its page made again where that is due."""
        made = finished(self.path)
        if made is not None:
            return Status(True, f"report {made}", 0, "finished", None)
        with self._lock:
            try:
                line = self._line()
            except (ValueError, OSError) as error:
                return Status(False, self._version(), self._scored, "the run can't be read", str(error))
            self._work_if_due()
            return Status(False, self._version(), self._scored, line, self._error)

    def page(self) -> str | None:
        """The report of what is answered so far, None while there is none."""
        return self._page or None

    def images(self) -> set[Path]:
        """The images of its samples that may be shown; loads the run's data the first time, and none while it can't."""
        with self._loading:
            if self._images is None and time.monotonic() >= self._images_next:
                try:
                    watched = self._watched or Watched.load(self.path, RunFolder(self.path).read_info())
                    self._images = watched.images()
                except (ValueError, OSError):
                    self._images_next = time.monotonic() + _AGAIN
            return self._images or set()

    def _version(self) -> str:
        return f"page {self._count}" if self._page else ""

    def _line(self) -> str:
        watched = self._watched
        answers = self._answers.look(0 if watched is None else watched.total)
        if watched is None:
            words = f"{answers.done:,} answered"
        elif watched.total:
            words = answers.words()
        else:
            words = f"gate: {self._gate.look(watched.gate_total).words()}"
        last = last_answer(self.path)
        quiet = 0.0 if last is None else time.time() - last
        if quiet > _QUIET and (not answers.total or answers.done < answers.total):
            words += f"; no new answer for {as_clock(quiet)}"
        return words

    def _work_if_due(self) -> None:
        files = tuple(
            stat.st_mtime_ns + stat.st_size
            for name in ("responses.jsonl", "gate.jsonl")
            if (stat := _stat(self.path / name)) is not None
        )
        if self._working or files == self._seen or time.monotonic() < self._next:
            return
        self._seen, self._working = files, True
        self._executor.submit(self._work)

    def _work(self) -> None:
        error: str | None = None
        spent = 0.0
        try:
            info = RunFolder(self.path).read_info()
            watched = self._watched
            if watched is None or not _same(watched.info, info):
                watched = Watched.load(self.path, info)
                self._images = None
            began = time.monotonic()
            made = watched.render()
            spent = time.monotonic() - began
            with self._lock:
                self._watched = watched
                if made is not None:
                    self._page, self._scored = made
                    self._count += 1
        except (ValueError, OSError) as problem:
            error = str(problem)
        except Exception as problem:  # nobody reads the thread's own result: who waits for the page shall see it
            error = f"{type(problem).__name__}: {problem}"
        finally:
            with self._lock:
                self._error, self._working = error, False
                self._next = time.monotonic() + max(_LEAST, _TIMES * spent)


def _same(before: RunInfo, now: RunInfo) -> bool:
    return (before.settings, before.scoring, before.source) == (now.settings, now.scoring, now.source)


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None
