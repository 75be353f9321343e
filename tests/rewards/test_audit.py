"""The audit of our own profiles, its reports and its command."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from vrft_rewards import PROFILES
from vrft_rewards.audit import TASKS, AuditError, Finding, Report, Task, Timing, as_json, as_table, audit
from vrft_rewards.audit.forms import Form, call_target, recognise
from vrft_rewards.audit.known import KNOWN
from vrft_rewards.audit.writer import Writer
from vrft_rewards.cli import main

SIZES = (4_096, 16_384, 65_536)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("profile", list(PROFILES))
def test_our_profiles(profile: str, task: Task) -> None:
    """Only what a faithful profile can't avoid may pay, and all that is listed as known does."""
    report = audit(profile, task, sizes=SIZES)
    paid = {finding.name for finding in report.findings if finding.known is None}
    known = {finding.name for finding in report.findings if finding.known is not None}
    assert paid == set()
    assert known == set(KNOWN.get((profile, task), {}))
    assert len(report.probes) >= 20
    assert report.answers > 300
    assert report.skipped == 0


def test_known_findings_name_profiles_and_probes() -> None:
    for profile, task in KNOWN:
        assert profile in PROFILES
        assert task in TASKS
    assert not any(profile == "default" for profile, _ in KNOWN)


def test_the_page_names_every_probe() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")
    for task in TASKS:
        assert all(f"`{name}`" in page for name in audit("default", task, sizes=SIZES[:1]).probes)


FINDING = Finding(
    name="box-spam",
    severity="high",
    completion="\x1b[2J\u202e<answer>\ud800</answer>",
    truth=[[1, 2, 3, 4]],
    honest=0.5,
    earned=None,
    explanation="paid",
)
REPORT = Report("m:f", "detection", "plain", (FINDING,), ("box-spam",), 7, (Timing("words", {10: 0.5, 40: None}),), 2)


def test_a_table_is_safe_to_print() -> None:
    table = as_table(REPORT)
    assert all(char.isprintable() for char in table.replace("\n", ""))
    assert "1 cheats paid" in table
    assert "0.500         -" in table
    assert "hangs" in table
    assert "2 answers weren't tried" in table
    assert "\x1b[31m" in as_table(REPORT, colour=True)


def test_json_is_strict() -> None:
    found = json.loads(as_json([REPORT]))
    assert found["passed"] is False
    assert found["audits"][0]["findings"][0]["completion"] == FINDING.completion
    assert found["audits"][0]["seconds"] == {"words": {"10": 0.5, "40": None}}


def write(folder: Path, body: str) -> str:
    path = folder / "mine.py"
    path.write_text(body, encoding="utf-8")
    return str(path)


def test_exit_code_1_when_something_pays(tmp_path: Path, capsys: Any) -> None:
    path = write(tmp_path, "def reward(completion, truth):\n    return float(truth.lower() in completion.lower())\n")
    target = tmp_path / "out.json"
    assert main(["audit", f"{path}:reward", "--task", "classification", "--json", str(target)]) == 1
    assert "all-labels" in capsys.readouterr().out
    audits = json.loads(target.read_text(encoding="utf-8"))["audits"]
    assert {"all-labels", "negated", "answer-outside"} <= {finding["name"] for finding in audits[0]["findings"]}


def test_exit_code_0_when_only_known_things_pay(capsys: Any) -> None:
    assert main(["audit", "visual-rft", "--task", "classification"]) == 0
    out = capsys.readouterr().out
    assert "nothing paid" in out
    assert "6 known" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "neither a profile"),
        (["no.such.module:f"], "can't be loaded"),
        (["math:nothing"], "math has no 'nothing'"),
        (["math:pi"], "expected something to call"),
        (["absent.py:f"], "no file absent.py"),
        (["math:sqrt", "--task", "detection"], "earn no more than wrong ones"),
        (["default", "--time-limit", "0"], "--time-limit"),
        (["default", "--bounds", "2", "1"], "--bounds"),
        (["default", "--labels", "absent.txt"], "--labels absent.txt"),
    ],
)
def test_bad_configuration_is_exit_code_2(arguments: list[str], message: str, capsys: Any) -> None:
    assert main(["audit", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_file_that_fails_to_load(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="ZeroDivisionError"):
        audit(f"{write(tmp_path, '1 / 0')}:f", "detection")
    with pytest.raises(AuditError, match="SystemExit"):
        audit(f"{write(tmp_path, 'raise SystemExit(1)')}:f", "detection")


def test_one_task_is_found_by_itself(tmp_path: Path, capsys: Any) -> None:
    body = """
        def f(completion, truth):
            if "[" in truth or "<" in truth:
                raise ValueError("not a label")
            return float(truth in completion)
    """
    path = write(tmp_path, textwrap.dedent(body))
    assert main(["audit", f"{path}:f"]) == 1
    out = capsys.readouterr().out
    assert "classification: " in out
    assert "detection: " not in out


class Scorer:
    def score(self, completion: str, truth: object) -> dict[str, float]:
        return {"overall": 0.5}


def trl(completions: list[Any], boxes: list[Any], prompts: object = None, scale: float = 2.0, **_: object) -> list[Any]:
    return [scale if boxes == [[1]] else 0.0]


def verl(data_source: str, solution_str: str, ground_truth: str) -> dict[str, object]:
    return {"score": [len(solution_str)], "ground": ground_truth}


async def later(completion: str, truth: object) -> float:
    return 0.25


def test_calling_conventions() -> None:
    assert [recognise(target) for target in (Scorer(), trl, verl, later, max)] == [
        "reward",
        "trl",
        "verl",
        "plain",
        "plain",
    ]
    form = Form()
    assert call_target(Scorer(), "reward", form, "a", [1]) == (0.5, False)
    assert call_target(trl, "trl", form, "a", [1]) == (2.0, False)
    assert call_target(verl, "verl", form, "abc", "x") == (3.0, False)
    assert call_target(later, "plain", form, "a", [1]) == (0.25, False)
    for bad in (None, "1", [1.0, 2.0], {}, object()):
        with pytest.raises(TypeError):
            call_target(lambda completion, truth, value=bad: value, "plain", form, "a", [])


def test_dialects() -> None:
    boxes = [(1, 2, 30, 40)]
    assert Writer("json").boxes(boxes, "0.9") == '[{"Position": [1, 2, 30, 40], "Confidence": 0.9}]'
    assert Writer("qwen").boxes(boxes, None) == '[{"bbox_2d": [1, 2, 30, 40], "label": "object"}]'
    assert Writer("corners").boxes(boxes) == "(1,2),(30,40)"
    assert Writer("bare", tags=False).say(Writer("bare").boxes(boxes * 2)) == "[[1, 2, 30, 40], [1, 2, 30, 40]]"
