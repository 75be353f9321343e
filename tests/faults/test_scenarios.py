"""No fault costs an answer, and none makes a prompt be asked that is answered."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from faults import scenarios
from faults.scenarios import IMAGES, SCENARIOS, Row, Run

CODES = {
    "killed": -9,
    "torn": -9,
    "terminated": 143,
    "interrupted": 130,
    "full_disk": 2,
    "second_process": 2,
    "out_of_memory": 0,
    "engine_death": 0,
    "max_failures": 1,
    "retry_failed": 0,
}
SAID = {
    "terminated": "error: stopped by SIGTERM; {before} answered are kept, the same command continues",
    "interrupted": "error: stopped by Ctrl-C; {before} answered are kept, the same command continues",
    "max_failures": "--retry-failed asks the 2 failed ones again",
}
FAILED = {"out_of_memory": 1, "max_failures": 4}


@pytest.mark.skipif(sys.platform == "win32", reason="the faults are made by means that POSIX has")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_nothing_answered_is_lost_or_asked_again(scenario: scenarios.Scenario, tmp_path: Path) -> None:
    row: Row = scenario(Run(tmp_path))
    name = scenario.__name__
    assert (row.lost, row.asked_twice) == (0, 0)
    assert row.code == CODES[name], row.said
    assert 0 < row.before <= row.after == IMAGES - FAILED.get(name, 0)
    assert SAID.get(name, "").format(before=row.before) in row.said


def test_a_prompt_that_is_asked_twice_would_be_counted() -> None:
    session = scenarios.Session([("asked", "a"), ("answered", "a"), ("asked", "b"), ("asked", "a")], 0, "")
    assert session.twice([]) == 1
    assert session.twice(["b"]) == 2
