"""Killed in either stage, as an out-of-memory killer does it, and continued: nothing is lost or asked twice."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faults.fault_helpers import KILLED, command, lines, process, report_of
from vrft_eval.cli import app

QUESTIONS = 6


@pytest.mark.parametrize("answers", [4, QUESTIONS + 2], ids=["gate", "boxes"])
def test_a_killed_run_ends_as_an_uninterrupted_one(
    tmp_path: Path, data: Path, uninterrupted: Path, answers: int
) -> None:
    out = tmp_path / "run"
    killed = process(KILLED, answers, *command(data, out))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    names = ("gate.jsonl", "responses.jsonl")
    before = {name: lines(out / name) for name in names}
    assert sum(map(len, before.values())) == answers
    assert not (out / "report.json").exists()
    # Its last line is torn, as when the machine itself goes down.
    journal = out / ("gate.jsonl" if answers < QUESTIONS else "responses.jsonl")
    torn = before[journal.name].pop()
    journal.write_bytes(b"".join(before[journal.name]) + torn[: len(torn) // 2])

    continued = CliRunner().invoke(app, command(data, out))
    assert continued.exit_code == 0, continued.output
    for name in names:
        after, whole = lines(out / name), lines(uninterrupted / name)
        assert after[: len(before[name])] == before[name]
        assert sorted(after) == sorted(whole)
        ids = [json.loads(line)["id"] for line in after]
        assert len(ids) == len(set(ids))
    assert report_of(out) == report_of(uninterrupted)
    for name in ("predictions.json", "gate.json"):
        made = [json.loads((run / name).read_text(encoding="utf-8")) for run in (out, uninterrupted)]
        if name == "gate.json":
            made = [content | {"created": None} for content in made]
        assert made[0] == made[1]


def test_the_gate_of_the_shipped_model_is_a_real_one(uninterrupted: Path) -> None:
    """It finds most of what is there and rules out most of what isn't, or the test above would show little."""
    summary = report_of(uninterrupted)["gate_summary"]
    assert summary["pairs"] == summary["answers"]["questions"] == QUESTIONS
    assert 3 <= summary["asked"] < QUESTIONS
    assert summary["answers"]["failed"] == 0
    assert min(summary["precision"], summary["recall"]) >= 0.5
