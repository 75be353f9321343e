"""Killed in mid-run, as an out-of-memory killer does it, and continued: nothing is lost or asked twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from vrft_eval.cli import app

ROOT = Path(__file__).parents[2]

# The real command and the real model; after a number of answers the process kills itself, in the middle of a batch.
KILLED = """
import os, signal, sys
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.cli import main

answer = TransformersBackend.answer
def dying(self, prompts, sampling):
    for count, item in enumerate(answer(self, prompts, sampling)):
        if count == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        yield item
TransformersBackend.answer = dying
sys.argv = ["vrft-eval", *sys.argv[1:]]
main()
"""


def test_a_killed_run_is_continued(tmp_path: Path, tiny_model: Path, shapes: Callable[[str], Path]) -> None:
    command = [
        *("run", "shapes-grounding", "--model", str(tiny_model), "--data", str(shapes("shapes-grounding"))),
        *("--out", str(tmp_path / "run"), "--device", "cpu", "--max-new-tokens", "4", "--batch-size", "4"),
        *("--sam", "none"),
    ]
    killed = subprocess.run([sys.executable, "-c", KILLED, *command], cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    journal = tmp_path / "run" / "responses.jsonl"
    before = journal.read_bytes()
    assert len(before.splitlines()) == 5
    assert not (tmp_path / "run" / "report.json").exists()

    assert CliRunner().invoke(app, command).exit_code == 0
    after = journal.read_bytes()
    assert after.startswith(before)
    ids = [json.loads(line)["id"] for line in after.splitlines()]
    assert len(ids) == len(set(ids)) == 12
    report = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert report["counts"]["answered"] == 12
