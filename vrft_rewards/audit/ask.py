"""Asking a worker process, with a time limit on every answer."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from .forms import Form
from .types import AuditError, Case, Reply, Task

__all__ = ["Asker"]

_START_LIMIT = 120.0
"""Seconds to import the target: it may import torch."""
_MOST_LOST = 5
"""Hangs and crashes after which no more answers are tried."""


class Asker:
    """Scores cases by the target in a process of its own, which is replaced when it hangs or dies.

    Raises AuditError when the target can't be loaded.
    """

    def __init__(self, target: str, task: Task, labels: Sequence[str], time_limit: float, seed: str = "0") -> None:
        self._command = [sys.executable, "-m", "vrft_rewards.audit.worker", target, task, json.dumps(list(labels))]
        # A module that can be imported here can be imported there; strings hash differently from seed to seed.
        path = [str(Path.cwd()), *sys.path]
        self._environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, path))}
        self._target, self._limit = target, time_limit
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._seen: dict[str, Reply] = {}
        self.form = Form()
        self.call = ""
        self.bounds: tuple[float, float] | None = None
        self.lost = self.skipped = 0
        self._start()

    def __enter__(self) -> Asker:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()

    @property
    def answers(self) -> int:
        """How many different answers were scored."""
        return len(self._seen)

    def scores(self, cases: Sequence[Case], form: Form | None = None) -> list[Reply]:
        """Score cases, each once: what was asked before is remembered."""
        form = form or self.form
        replies = []
        for case in cases:
            key = json.dumps([str(form), case.completion, case.truth])
            if key not in self._seen:
                self._seen[key] = self.do("score", [case], form)[0]
            replies.append(self._seen[key])
        return replies

    def do(
        self, what: Literal["score", "threads", "pickle"], cases: Sequence[Case], form: Form | None = None
    ) -> list[Reply]:
        """Have cases scored afresh: one by one, from several threads (four times each), or by a pickled copy."""
        expected = len(cases) * (4 if what == "threads" else 1)
        if self.lost >= _MOST_LOST:
            self.skipped += expected
            return [Reply(None, "skipped")] * expected
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        request = {"do": what, "form": asdict(form or self.form), "cases": [[c.completion, c.truth] for c in cases]}
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError:
            return self._lose("dies", expected)
        replies: list[Reply] = []
        while len(replies) < expected:
            line = self._read(self._limit)
            if line is None:
                return replies + self._lose("hangs", expected - len(replies))
            if not line:
                return replies + self._lose("dies", expected - len(replies))
            replies.append(Reply(**{"value": None, **json.loads(line)}))
        return replies

    def _lose(self, how: str, missing: int) -> list[Reply]:
        self.lost += 1
        code = self._process.poll() if self._process is not None else None
        detail = f"no answer within {self._limit:g} s" if how == "hangs" else f"the process ended with code {code}"
        self.close()
        return [Reply(None, how, detail, self._limit)] * missing

    def _start(self) -> None:
        self._lines = queue.Queue()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        threading.Thread(target=_pump, args=(self._process, self._lines), daemon=True).start()
        line = self._read(_START_LIMIT)
        said: dict[str, Any] = (
            json.loads(line) if line else {"failed": "the process ended" if line == "" else "it hangs"}
        )
        if "failed" in said:
            self.close()
            raise AuditError(f"{self._target}: can't be loaded: {said['failed']}")
        self.call = said["call"]
        self.bounds = None if said["bounds"] is None else (said["bounds"][0], said["bounds"][1])

    def _read(self, limit: float) -> str | None:
        """Return a line, "" at the end of the process, or None past the limit."""
        try:
            return self._lines.get(timeout=limit)
        except queue.Empty:
            return None

    def close(self) -> None:
        """End the process, and whatever it started."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # a request that was never read
                    pipe.close()


def _pump(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.put(line)
    except ValueError:
        pass  # closed while reading
    lines.put("")
