"""The shipped checkpoint on a real cluster: the answers of one process, whoever dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from vrft_eval.backends.protocol import Answer, Backend, Constraint, Prompt, Sampling
from vrft_eval.backends.registry import load_backend
from vrft_eval.cli import app
from vrft_eval.errors import InputError
from vrft_eval.generation import Generation

ray: Any = pytest.importorskip("ray", reason="ray is not installed: make test-ray")

from vrft_eval.backends import ray_backend as module  # noqa: E402
from vrft_eval.backends.ray_backend import RayBackend  # noqa: E402
from vrft_eval.backends.ray_worker import Worker  # noqa: E402

SAMPLING = Sampling(max_new_tokens=24)
# Each prompt in a batch of its own: answers don't depend on who is asked with whom.
ALONE = Generation(backend="ray", batch_size=1, workers=2)


@pytest.fixture(scope="module")
def expected(prompts: list[Prompt]) -> dict[str, Answer]:
    """The transformers backend's own answers."""
    backend = load_backend("demo", Generation(backend="transformers", batch_size=1))
    return {answer.id: answer for answer in backend.answer(prompts, SAMPLING)}


@pytest.fixture
def backend(cluster: Any) -> Iterator[RayBackend]:
    made = RayBackend("demo", replace(ALONE, address=cluster.address))
    yield made
    made.close()


def answered(
    backend: Backend, prompts: list[Prompt], meanwhile: Callable[[], None] = lambda: None
) -> dict[str, Answer]:
    """The answers by id, none twice; `meanwhile` happens after the third."""
    found: dict[str, Answer] = {}
    for count, answer in enumerate(backend.answer(prompts, SAMPLING), start=1):
        assert answer.id not in found
        found[answer.id] = answer
        if count == 3:
            meanwhile()
    return found


def test_a_killed_worker_and_a_lost_node_cost_no_answer(
    backend: RayBackend, cluster: Any, prompts: list[Prompt], expected: dict[str, Answer], tmp_path: Path
) -> None:
    first, second = backend.reports.values()
    assert {first.node, second.node} == {node["NodeID"] for node in ray.nodes() if node["Alive"]}
    assert all(report.identity.engine == "transformers" for report in (first, second))
    assert all(answer.completion for answer in expected.values())

    # An image that isn't there fails alone, and is named as the user names it.
    torn = tmp_path / "torn.png"
    torn.write_bytes(prompts[0].image.read_bytes()[:60])
    bad = [Prompt("absent", tmp_path / "no.png", "?"), Prompt("torn", torn, "?")]
    found = answered(backend, [*prompts, *bad])
    assert {key: str(found.pop(key).error).partition(": ")[0] for key in ("absent", "torn")} == {
        "absent": str(tmp_path / "no.png"),
        "torn": str(torn),
    }
    assert found == expected
    with pytest.raises(InputError, match="--constrain"):
        list(backend.answer(prompts[:1], replace(SAMPLING, constraint=Constraint("regex", "yes"))))

    assert answered(backend, prompts, lambda: os.kill(first.process, signal.SIGKILL)) == expected

    (other,) = (node for node in cluster.worker_nodes)
    assert answered(backend, prompts, lambda: cluster.remove_node(other, allow_graceful=False)) == expected
    # Until the head has noticed, the lost node's CPU would be counted among those of the cluster.
    until = time.monotonic() + 60
    while sum(node["Alive"] for node in ray.nodes()) > 1:
        assert time.monotonic() < until
        time.sleep(0.2)
    cluster.add_node(num_cpus=1)


def test_a_run_on_the_cluster_is_a_run(cluster: Any, shapes: Path, tmp_path: Path) -> None:
    def run(name: str, *more: str) -> dict[str, Any]:
        command = [
            "run",
            "shapes-detection",
            "--model",
            "demo",
            "--data",
            str(shapes),
            "--limit",
            "2",
            "--gate",
            "truth",
        ]
        done = CliRunner().invoke(app, [*command, "--batch-size", "1", "--out", str(tmp_path / name), *more])
        assert done.exit_code == 0, done.output
        assert "raylet" not in done.output
        report: dict[str, Any] = json.loads((tmp_path / name / "report.json").read_text(encoding="utf-8"))
        return report

    there = run("ray", "--backend", "ray", "--address", cluster.address, "--workers", "2")
    here = run("here", "--backend", "transformers")
    assert there["counts"] == here["counts"]
    assert there["metrics"] == here["metrics"]
    lines = [sorted((tmp_path / name / "responses.jsonl").read_text().splitlines()) for name in ("ray", "here")]
    assert lines[0] == lines[1]
    # The user's cluster runs on, and we are gone from it.
    assert not ray.is_initialized()
    ray.init(address=cluster.address, log_to_driver=False)
    found = ray.cluster_resources()
    ray.shutdown()
    assert found["CPU"] == 2


def test_a_prompt_that_kills_its_workers_is_told_as_failed(
    cluster: Any, prompts: list[Prompt], expected: dict[str, Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Worker", Fragile)
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the nodes don't have this file
    backend = RayBackend("demo", replace(ALONE, address=cluster.address, batch_size=4))
    try:
        deadly = replace(prompts[1], id="deadly")
        found = {answer.id: answer for answer in backend.answer([deadly, *prompts[:3]], SAMPLING)}
    finally:
        backend.close()
    assert set(found) == {"deadly", *(prompt.id for prompt in prompts[:3])}
    assert "its worker died" in str(found.pop("deadly").error)
    assert all(answer.completion for answer in found.values())


class Fragile(Worker):
    """A worker whose process ends at the prompt `deadly`, as at an image that breaks a decoder."""

    def answer(self, prompts: Any, images: Any, sampling: Sampling) -> list[Answer]:
        if any(prompt.id == "deadly" for prompt in prompts):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().answer(prompts, images, sampling)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"workers": 9}, r"--workers: need 9 CPUs, and the cluster has 2, got 9"),
        ({"address": "127.0.0.1:1"}, r"--address: nothing listens there"),
        ({"address": "nonsense"}, r"--address: no Ray cluster can be reached"),
        ({"device": "toaster"}, r"^on [^:]+: .*the model can't be loaded"),
    ],
    ids=["room", "address", "nonsense", "device"],
)
def test_what_cannot_be_is_one_line(cluster: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        RayBackend("demo", replace(ALONE, **({"address": cluster.address} | changes)))
    assert len(str(error.value).splitlines()) == 1
    assert not ray.is_initialized()


def test_a_cluster_whose_head_is_gone_is_a_dead_engine(prompts: list[Prompt]) -> None:
    script = [sys.executable, "-m", "cluster.cluster_gone", str(prompts[0].image)]
    tests = Path(__file__).parents[1]
    done = subprocess.run(script, cwd=tests, capture_output=True, text=True, timeout=600, check=False)
    first, second = done.stdout.splitlines()
    assert first == "True: the Ray cluster is gone: its head answers no more", done.stderr
    assert second.startswith("--address: nothing listens there")


def test_without_an_address_a_cluster_of_our_own_lives_as_long_as_the_backend(
    prompts: list[Prompt], expected: dict[str, Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    backend = RayBackend("demo", Generation(backend="ray", batch_size=1))
    assert answered(backend, prompts[:4]) == {prompt.id: expected[prompt.id] for prompt in prompts[:4]}
    processes = [report.process for report in backend.reports.values()]
    backend.close()
    assert not ray.is_initialized()
    assert not any(Path(f"/proc/{process}").exists() for process in processes)
