"""Runs of the shipped checkpoint on a few generated images, in processes that can be killed or starved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

MAIN = """
import sys
from vrft_eval.cli import main
sys.argv = ["vrft-eval", *sys.argv[1:]]
main()
"""

# The real command and the real model; the process kills itself once a number of answers has been given.
KILLED = """
import os, signal, sys
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.cli import main

left = int(sys.argv.pop(1))
answer = TransformersBackend.answer
def dying(self, prompts, sampling):
    global left
    for item in answer(self, prompts, sampling):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        yield item
TransformersBackend.answer = dying
sys.argv = ["vrft-eval", *sys.argv[1:]]
main()
"""


def command(data: Path, out: Path) -> list[str]:
    """A two-stage run. The shipped model has learnt to answer with boxes only, so those are its gate question too.

    One prompt a batch: how many are padded together must not be able to change an answer.
    """
    return [
        *("run", "detection", "--model", "demo", "--data", str(data), "--out", str(out), "--device", "cpu"),
        *("--gate", "model", "--gate-prompt", "detection", "--batch-size", "1", "--max-new-tokens", "160"),
    ]


def process(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, on one thread as here: the parts a sum is made in change its last bits."""
    whole = [sys.executable, "-c", code, *map(str, arguments)]
    one = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(whole, cwd=ROOT, env=one, capture_output=True, text=True, check=False)


def lines(journal: Path) -> list[bytes]:
    """The lines of a journal; none when it isn't there."""
    return journal.read_bytes().splitlines(keepends=True) if journal.exists() else []


def report_of(run: Path) -> dict[str, Any]:
    """A run's report, but for when the run began."""
    report: dict[str, Any] = json.loads((run / "report.json").read_text(encoding="utf-8"))
    return report | {"created": None}
