"""vrft-rewards on the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from vrft_rewards.cli import main

GOOD = {"completion": "<think>a</think><answer>[1, 2, 30, 40]</answer>", "truth": [[1, 2, 30, 40]], "id": "é7"}


def write(path: Path, *rows: object) -> str:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def scored(capsysbinary: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def test_score_keeps_fields_and_adds_its_own(tmp_path: Path, capsysbinary: Any) -> None:
    assert main(["score", "--task", "detection", write(tmp_path / "in.jsonl", GOOD, "", GOOD)]) == 0
    rows = scored(capsysbinary)
    assert len(rows) == 2
    assert rows[0] == GOOD | {
        "reward": 3.0,
        "parts": {"iou": 1.0, "confidence": 1.0, "format": 1.0},
        "reason": "1 of 1 objects found, mean IoU 1.00, confidence not given; format right",
    }


def test_image_size_and_spaces(tmp_path: Path, capsysbinary: Any) -> None:
    row = {
        "completion": "<think>a</think><answer>[0, 0, 500, 500]</answer>",
        "truth": [[0, 0, 320, 240]],
        "image_size": [640, 480],
    }
    assert main(["score", "--task", "detection", "--truth-space", "pixels", write(tmp_path / "in", row)]) == 0
    assert scored(capsysbinary)[0]["parts"]["iou"] == 1.0


@pytest.mark.parametrize("task", ["detection", "grounding"])
def test_fields_of_the_profile(task: str, tmp_path: Path, capsysbinary: Any) -> None:
    # 640 x 480 as a processor of factor 32 shows it with at most 102,400 pixels: 352 x 256.
    truth: list[Any] = [0, 0, 640, 480]
    row = {
        "completion": "<think>a</think><answer>[0, 0, 352, 256]</answer>",
        "truth": [truth] if task == "detection" else truth,
        "image_size": [640, 480],
    }
    fields = ["--field", "resize_factor=32", "--field", "max_pixels=102400", "--field", "out_of_range=keep"]
    spaces = ["--space", "pixels-resized", "--truth-space", "pixels"]
    source = write(tmp_path / "in", row)
    assert main(["score", "--task", task, *spaces, *fields, source]) == 0
    assert scored(capsysbinary)[0]["parts"]["iou" if task == "detection" else "giou"] == 1.0
    assert main(["explain", "--task", task, *spaces, *fields, source]) == 0
    assert b"IoU 1.000" in capsysbinary.readouterr().out


def test_classification_and_grounding(tmp_path: Path, capsysbinary: Any) -> None:
    (tmp_path / "labels").write_text("rose\ndesert rose\n\n", encoding="utf-8")
    row = {
        "completion": [{"role": "assistant", "content": "<think>a</think><answer>Desert-Rose</answer>"}],
        "truth": "desert rose",
    }
    command = ["score", "--task", "classification", "--labels", str(tmp_path / "labels")]
    assert main([*command, write(tmp_path / "in", row)]) == 0
    assert scored(capsysbinary)[0]["reward"] == 2.0
    box = {"completion": "<think>a</think><answer>(1,2),(30,40)</answer>", "truth": [1, 2, 30, 40]}
    assert main(["score", "--task", "grounding", "--profile", "visual-rft", write(tmp_path / "in", box)]) == 0
    assert scored(capsysbinary)[0]["reward"] == 3.0


def test_lone_surrogates_survive(tmp_path: Path, capsysbinary: Any) -> None:
    assert main(["score", "--task", "detection", write(tmp_path / "in", '{"completion": "\\ud800", "truth": []}')]) == 0
    assert scored(capsysbinary)[0]["completion"] == "\ud800"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", ":2: not JSON"),
        ("[1]", ":2: expected an object, got [1]"),
        ("[" * 100_000, ":2: not JSON"),
        ("1" * 5000, ":2: not JSON"),
        ('{"completion": "a", "truth": [[NaN, 0, 1, 1]]}', ":2: not JSON (NaN isn't a JSON number)"),
        ('{"completion": "a", "truth": [[1e999, 0, 1, 1]]}', ":2: truth[0]: expected finite numbers"),
        ('{"completion": "a"}', ":2: truth: missing; the fields are completion"),
        ('{"truth": []}', ":2: completion: missing"),
        ('{"completion": 7, "truth": []}', ":2: completion: expected text"),
        ('{"completion": "a", "truth": "rose"}', ":2: truth: expected (n, 4) numbers, got 'rose'"),
        ('{"completion": "a", "truth": [[1, 2, 3]]}', ":2: truth[0]: expected four numbers, got [1, 2, 3]"),
        ('{"completion": "a", "truth": [[9, 2, 3, 4]]}', ":2: truth[0]: expected x1 < x2"),
        ('{"completion": "a", "truth": [], "image_size": [0, 4]}', ":2: image_size: expected (width, height)"),
    ],
)
def test_bad_lines_are_one_message_and_leave_no_file(tmp_path: Path, capsys: Any, line: str, message: str) -> None:
    source, target = write(tmp_path / "in.jsonl", GOOD, line), tmp_path / "out.jsonl"
    assert main(["score", "--task", "detection", source, "-o", str(target)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {source}{message}")
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_output_file_replaces_the_old_one_only_when_complete(tmp_path: Path, capsys: Any) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("old", encoding="utf-8")
    assert main(["score", "--task", "detection", write(tmp_path / "bad", GOOD, "x"), "-o", str(target)]) == 2
    assert target.read_text(encoding="utf-8") == "old"
    assert main(["score", "--task", "detection", write(tmp_path / "good", GOOD), "-o", str(target)]) == 0
    assert json.loads(target.read_text(encoding="utf-8"))["reward"] == 3.0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "detection", "absent.jsonl"], "absent.jsonl: No such file"),
        (["--task", "classification", "--labels", "absent.txt"], "--labels absent.txt: No such file"),
        (["--task", "classification", "--space", "pixels"], "--space: classification has no coordinates"),
        (["--task", "grounding", "--labels", "x"], "--labels: only for classification"),
        (["--task", "detection", "-", "-o", "absent/out.jsonl"], "absent/out.jsonl: No such file"),
        (["--task", "detection", "--field", "strict"], "--field strict: expected NAME=VALUE"),
        (["--task", "detection", "--field", "strict=1"], "--field: strict: expected True or False, got 1"),
        (["--task", "grounding", "--field", "profile=paper"], "--field profile=paper: expected NAME=VALUE"),
        (["--task", "classification", "--field", "cutof=1"], "--field: unknown field 'cutof'"),
    ],
)
def test_bad_arguments(
    arguments: list[str], message: str, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["score", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_bad_label_lists(tmp_path: Path, capsys: Any) -> None:
    for content, message in (("", "the list is empty"), ("rose\nRose\n", "same name")):
        (tmp_path / "labels").write_text(content, encoding="utf-8")
        assert main(["score", "--task", "classification", "--labels", str(tmp_path / "labels")]) == 2
        assert message in capsys.readouterr().err


def test_explain(tmp_path: Path, capsys: Any) -> None:
    assert main(["explain", "--task", "detection", write(tmp_path / "in.jsonl", GOOD)]) == 0
    out = capsys.readouterr().out
    assert "(1, 2, 30, 40) confidence 1" in out
    assert "3.000 of 3" in out


def run(*arguments: str, data: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vrft_rewards.cli", *arguments]
    return subprocess.run(command, input=data, capture_output=True, text=True, encoding="utf-8", check=False)


def test_standard_input_and_output() -> None:
    done = run("score", "--task", "detection", data=json.dumps(GOOD) + "\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["id"] == "é7"
    done = run("score", "--task", "detection", "-", data="{}\n")
    assert done.returncode == 2
    assert done.stderr.startswith("error: <stdin>:1: completion: missing")


def test_unknown_task_is_exit_code_2() -> None:
    assert run("score", "--task", "detektion").returncode == 2


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", *[GOOD] * 3000)
    command = [sys.executable, "-m", "vrft_rewards.cli", "score", "--task", "detection", source]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("scoer", "did you mean score?"),
        ("score --task detectio", "did you mean detection?"),
        ("score --task detection --profle paper", "did you mean --profile"),
        ("score --task detection --profile papr", "did you mean paper?"),
        ("path trll", "did you mean trl"),
        ("audit papr", "did you mean paper?"),
        ("serve --task detection --prot 1", "did you mean --port"),
    ],
)
def test_an_unknown_name_is_one_line_with_the_nearest(line: str, named: str, capsys: Any) -> None:
    assert _exit_code(line.split()) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert named in said.err
    assert (len(said.err.splitlines()), said.out) == (1, "")


def _exit_code(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


def test_version_and_help_say_what_they_should(capsys: Any) -> None:
    assert _exit_code(["--version"]) == 0
    assert capsys.readouterr().out.startswith("vrft-rewards ")
    assert _exit_code([]) == 2
    said = " ".join(capsys.readouterr().out.split())
    assert "Exit codes: 0 done, 1 an audit found what pays, 2 wrong input, 130 Ctrl-C" in said


def test_ctrl_c_is_one_line() -> None:
    command = [sys.executable, "-m", "vrft_rewards.cli", "score", "--task", "detection"]
    # A shell lets what it starts in the background ignore Ctrl-C, and children inherit that.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # More than its buffer holds, so that the first rows come out, and less than a pipe does: it waits for more.
        process.stdin.write((json.dumps(GOOD) + "\n") * 100)
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (130, "error: stopped by Ctrl-C\n")
