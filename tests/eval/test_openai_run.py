"""`vrft-eval run --backend openai`: continued after the server went away, stopped by its budget, refused options."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai_server as known
import pytest
from openai_server import Question, Script, asked_by, serving
from typer.testing import CliRunner

from vrft_eval.backends import Answer, Sampling
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.cli import app
from vrft_eval.demo import checkpoint

KEY = "sk-not-to-be-seen"
TASK = "shapes-classification"
COMMON = ("run", TASK, "--backend", "openai", "--model", known.MODEL, "--max-new-tokens", "64", "--resamples", "0")


@pytest.fixture(scope="module")
def answers(shapes: Callable[[str], Path]) -> dict[Question, Answer]:
    prompts = known.demo_prompts(shapes(TASK), 12)
    backend = TransformersBackend(checkpoint("rft"), device="cpu", batch_size=12)
    found = known.known_answers(prompts, list(backend.answer(prompts, Sampling(max_new_tokens=64))))
    assert len(found) == 12
    return found


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*COMMON, *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def journal(out: Path) -> list[dict[str, Any]]:
    file = out / "responses.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def test_a_run_is_continued_after_the_server_went_away(
    answers: dict[Question, Answer], shapes: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    out = tmp_path / "run"
    options = ["--data", str(shapes(TASK)), "--out", str(out), "--concurrency", "2", "--retries", "1"]
    options += ["--key-variable", "SOME_KEY"]
    first = Script(answers, leaves_after=5)
    with serving(first):
        code, said = run(*options, "--base-url", first.base_url)
    assert code == 1
    assert "the server went away" in said
    before = journal(out)
    assert 5 <= len(before) < 12
    assert all(line["completion"] is not None for line in before)
    assert not (out / "report.json").exists()

    second = Script(answers)
    with serving(second):
        code, said = run(*options, "--base-url", second.base_url)
    assert code == 0, said
    after = journal(out)
    assert after[: len(before)] == before
    assert len(after) == len({line["id"] for line in after}) == 12
    by_id = {prompt.id: answers[asked_by(prompt)] for prompt in known.demo_prompts(shapes(TASK), 12)}
    assert all(line["completion"] == by_id[line["id"]].completion for line in after)
    assert sum(second.asked.values()) == 12 - len(before)
    info = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert info["source"]["base_url"] == second.base_url
    assert info["settings"]["model"] == known.MODEL
    assert info["settings"]["backend"] == "openai"
    assert info["sessions"][-1]["prompt_tokens"] > 0
    for file in out.rglob("*.*"):
        assert KEY.encode() not in file.read_bytes()
    assert KEY not in said


def test_a_budget_ends_a_run_with_one_line_and_a_new_one_continues_it(
    answers: dict[Question, Answer], shapes: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    script = Script(answers)
    with serving(script):
        options = ("--data", str(shapes(TASK)), "--out", str(out), "--base-url", script.base_url)
        code, said = run(*options, "--token-budget", "1000")
        assert code == 1
        (line,) = [line for line in said.splitlines() if "--token-budget" in line]
        assert "the same command continues" in line
        kept = len(journal(out))
        assert 0 < kept < 12
        assert script.tokens <= 1000
        code, said = run(*options)
        assert code == 0, said
    assert sum(script.asked.values()) == 12


def test_a_wrong_key_leaves_nothing_recorded_as_failed(
    answers: dict[Question, Answer], shapes: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    script = Script(answers, always="401")
    with serving(script):
        code, said = run("--data", str(shapes(TASK)), "--out", str(out), "--base-url", script.base_url)
    assert code == 2
    assert "refuses the key" in said
    assert journal(out) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--base-url: must be given"),
        (("--base-url", "localhost:8000/v1"), "--base-url: must be as http"),
        (("--base-url", "ftp://localhost/v1"), "--base-url: must be as http"),
        (("--base-url", "http://"), "--base-url: must be as http"),
        (("--base-url", "http://a..b/v1"), "--base-url: is no address"),
        (("--base-url", "http://localhost:99999/v1"), "--base-url: is no address"),
        (("--base-url", "http://localhost/v1?key=3"), "--base-url: must be as http"),
        (("--base-url", f"http://me:{KEY}@localhost/v1"), "--base-url: must hold no user"),
        (("--base-url", f"http://me:{KEY}@localhost:x/v1"), "--base-url: is no address"),
        (("--base-url", "http://localhost/v1", "--dtype", "float16"), "--dtype: doesn't apply"),
        (("--base-url", "http://localhost/v1", "--workers", "2"), "--workers: doesn't apply"),
        (("--base-url", "http://localhost/v1", "--batch-size", "4"), "--batch-size: doesn't apply"),
        (("--base-url", "http://localhost/v1", "--tensor-parallel", "2"), "--tensor-parallel: doesn't apply"),
        (("--base-url", "http://localhost/v1", "--gpu-memory", "0.5"), "--gpu-memory: doesn't apply"),
        (("--base-url", "http://localhost/v1", "--address", "auto"), "--address: doesn't apply"),
        (("--base-url", "http://127.0.0.1:9/v1"), "is the server running?"),
        (
            ("--base-url", "http://localhost/v1", "--backend", "transformers", "--model", "demo"),
            "is for --backend openai",
        ),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_written(
    options: tuple[str, ...], said: str, shapes: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    code, output = run("--data", str(shapes(TASK)), "--out", str(out), *options)
    assert code == 2
    assert said in output
    assert KEY not in output
    assert not out.exists()


def test_an_interrupt_ends_a_run_that_waits_for_the_server(
    answers: dict[Question, Answer], shapes: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    prompts = known.demo_prompts(shapes(TASK), 12)
    script = Script(answers, {asked_by(prompt): ["hang"] for prompt in prompts[3:]})
    with serving(script):
        command = [*COMMON, "--data", str(shapes(TASK)), "--out", str(out), "--base-url", script.base_url]
        process = subprocess.Popen(
            [sys.executable, "-c", "from vrft_eval.cli import main; main()", *command],
            stderr=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + 300
        while sum(script.asked.values()) < 12 or len(journal(out)) < 3:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert "stopped by Ctrl-C; 3 answered are kept" in said
    assert "Traceback" not in said
    assert len(journal(out)) == 3
