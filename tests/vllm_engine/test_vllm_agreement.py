"""The same prompts, greedily, to vLLM and to transformers: the same answers, and the same numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from vllm_engine.engine_helpers import TASKS, agreement, completions, planned
from vrft_eval.backends import Backend
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.commands import Generation, carry_out
from vrft_eval.demo import checkpoint


@pytest.fixture(scope="session")
def reference() -> TransformersBackend:
    return TransformersBackend(checkpoint("rft"), device="cpu")


@pytest.mark.parametrize("task", TASKS)
def test_answers_and_metrics_are_those_of_transformers(
    task: str, engine: Backend, reference: TransformersBackend, shapes: Path, tmp_path: Path
) -> None:
    answers, metrics = {}, {}
    backends: dict[str, Backend] = {"vllm": engine, "transformers": reference}
    for name, backend in backends.items():
        run = planned(task, shapes, tmp_path / name, Generation(name))
        done = carry_out(run, lambda backend=backend: backend)  # type: ignore[misc]
        answers[name] = completions(run.answers.values())
        metrics[name] = done.report.metrics
        assert done.report.counts["failed"] == 0
    assert agreement(answers["vllm"], answers["transformers"]) >= 0.95
    assert metrics["vllm"].keys() == metrics["transformers"].keys()
    for key, value in metrics["transformers"].items():
        assert metrics["vllm"][key] == pytest.approx(value, abs=0.01, nan_ok=True)
