"""The engine's process is killed in mid-run: a new one takes over, and nothing is lost or asked twice."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from vllm_engine.engine_helpers import completions, engines, planned
from vrft_eval.backends import Answer, Backend, Prompt, Sampling, vllm_backend
from vrft_eval.commands import Generation, carry_out
from vrft_eval.errors import RunStopped

# A command that is killed outright, as by the kernel when memory runs out, with an engine that it can't end any more.
KILLED = """
import multiprocessing, os, signal
from vrft_eval.backends.vllm_backend import VLLMBackend
from vrft_eval.demo import checkpoint

if __name__ == "__main__":
    backend = VLLMBackend(checkpoint("rft"))
    print(*[process.pid for process in multiprocessing.active_children()], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


class Dying:
    """The engine, whose process is killed after its fifth answer; counts what it is asked."""

    name = "vllm"

    def __init__(self, backend: Backend) -> None:
        self._backend, self.asked, self.restarts = backend, list[str](), 0

    def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
        prompts = list(prompts)
        self.asked += [prompt.id for prompt in prompts]
        for number, answer in enumerate(self._backend.answer(prompts, sampling), start=1):
            yield answer
            if number == 5 and not self.restarts:
                for process in engines():
                    os.kill(process.pid or 0, signal.SIGKILL)

    def restart(self) -> None:
        self.restarts += 1
        self._backend.restart()

    def close(self) -> None:
        self._backend.close()


def test_an_engine_that_is_killed_is_started_again(
    engine: Backend, prompts: list[Prompt], shapes: Path, tmp_path: Path
) -> None:
    sampling = Generation("vllm").sampling(
        planned("shapes-detection", shapes, tmp_path / "a", Generation()).data.spec, 0
    )
    whole = completions(engine.answer(prompts, sampling))
    dying = Dying(engine)
    run = planned("shapes-detection", shapes, tmp_path / "run", Generation("vllm"))
    report = carry_out(run, lambda: dying).report
    assert dying.restarts == 1
    lines = (tmp_path / "run" / "responses.jsonl").read_text(encoding="utf-8").splitlines()
    journal = {row["id"]: row["completion"] for row in map(json.loads, lines)}
    assert len(lines) == len(journal) == report.counts["answered"] == len(prompts)
    assert journal == whole
    # What was answered before is not asked again.
    assert 5 <= len(prompts) - (len(dying.asked) - len(prompts)) < len(prompts)


def test_a_prompt_that_ends_the_engine_each_time_is_found(
    engine: Backend, shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = planned("shapes-detection", shapes, tmp_path / "run", Generation("vllm"))
    poison = run.samples[7].id
    add = vllm_backend._Running.add

    def adding(self: Any, prompt: Prompt, *rest: Any) -> str | None:
        said = add(self, prompt, *rest)
        if prompt.id == poison:
            for process in engines():
                os.kill(process.pid or 0, signal.SIGKILL)
        return said

    monkeypatch.setattr(vllm_backend._Running, "add", adding)
    # How many deaths it takes depends on how often this engine has died before.
    with suppress(RunStopped):
        carry_out(run, lambda: engine)
    again = planned("shapes-detection", shapes, tmp_path / "run", Generation("vllm"))
    assert again.answers[poison].completion is None
    assert "the engine died of it" in str(again.answers[poison].error)
    counts = carry_out(again, lambda: engine).report.counts
    assert (counts["failed"], counts["answered"]) == (1, len(run.samples) - 1)


def test_no_process_outlives_a_command_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    numbers = [int(number) for number in done.stdout.split()]
    assert numbers
    for number in numbers:
        with suppress(ProcessLookupError):
            ended, _, _ = select.select([os.pidfd_open(number)], [], [], 60)
            assert ended
