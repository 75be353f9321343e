"""GRPO with completions by vLLM, beside the trainer or from a server: TRL's real trainer and the real engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from training_helpers import make_rows, save_data, write_recipe

from vllm_engine.server import free_port, serve
from vrft_eval.demo import checkpoint

HERE = Path(__file__).parent
STEPS = 6
APART = "sampling/sampling_logp_difference/mean"
"""Of each token that vLLM has sampled: how far its log probability there is from the trainer's, mean of a step."""
BOUNDS = {"min_pixels": 3136, "max_pixels": 12544}
TWO_PROCESSES = ("-m", "torch.distributed.run", "--nproc_per_node", "2")
COLOCATED = {"use_vllm": True, "vllm_mode": "colocate", "vllm_gpu_memory_utilization": 0.1}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few rows, so that images come again; with images four times as large in each direction in `large`."""
    folder = tmp_path_factory.mktemp("rows")
    few = make_rows(count=4)
    save_data(folder / "plain", few)
    size = {"width": 448, "height": 448}
    save_data(folder / "large", [row | size | {"image": row["image"].resize((448, 448))} for row in few])
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A server as docs/training.md starts it; what a recipe says of it."""
    size = {"shortest_edge": BOUNDS["min_pixels"], "longest_edge": BOUNDS["max_pixels"]}
    flags = {
        "--weight-transfer-config": '{"backend": "nccl"}',
        "--logprobs-mode": "processed_logprobs",
        "--max-logprobs": "-1",
        "--mm-processor-kwargs": json.dumps({"size": size}),
        "--worker-extension-cls": "vllm_engine.weights_on_cpu.Worker",
    }
    words = ["--enable-scale-out", *(word for flag in flags.items() for word in flag)]
    environment = {**os.environ, "VLLM_SERVER_DEV_MODE": "1", "PYTHONPATH": str(HERE.parent)}
    log = tmp_path_factory.mktemp("server") / "log"
    with serve(checkpoint("sft"), log, *words, environment=environment) as address:
        group = {"vllm_server_base_url": f"{address}/", "vllm_group_port": free_port()}
        yield {"use_vllm": True, "vllm_mode": "server"} | group


def run(
    folder: Path, data: Path, grpo: dict[str, Any], *words: str, launch: Sequence[str] = (), **fields: Any
) -> subprocess.CompletedProcess[str]:
    """Train a few steps in `folder`."""
    training = {
        "max_steps": STEPS,
        "per_device_train_batch_size": 8,
        "learning_rate": 1e-3,
        "lr_scheduler_type": "constant",
        "save_strategy": "no",
    }
    path = write_recipe(folder, data=str(data), training=training, grpo=grpo, **fields)
    command = [sys.executable, *launch, str(HERE / "grpo_on_cpu.py"), str(path), *words]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)


def logged(folder: Path, done: subprocess.CompletedProcess[str]) -> list[dict[str, float]]:
    """The trainer's log of each step."""
    assert done.returncode == 0, done.stderr[-3000:]
    state = json.loads((folder / "run" / "trainer_state.json").read_text(encoding="utf-8"))
    return [entry for entry in state["log_history"] if "reward" in entry]


def check(log: list[dict[str, float]]) -> None:
    """vLLM saw the images, and after every change of weights, the vision tower's too, what is trained."""
    assert len(log) == STEPS
    assert log[0]["reward"] > 1.5
    assert max(entry[APART] for entry in log) < 0.01  # seen: 0.001 at most


def furthest_weight(folder: Path) -> float:
    """How far training has moved a weight."""
    first, last = (load_file(model / "model.safetensors") for model in (checkpoint("sft"), folder / "run"))
    return max(float((last[name].float() - first[name].float()).abs().max()) for name in first)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        pytest.param("plain", {}, id="all weights"),
        pytest.param("plain", {"lora": {"r": 8, "lora_alpha": 16}, "freeze_vision": True}, id="LoRA"),
        pytest.param("large", BOUNDS, id="bounds on pixels"),
    ],
)
def test_vllm_beside_the_trainer_samples_from_what_is_trained(
    rows: Path, tmp_path: Path, data: str, fields: dict[str, Any]
) -> None:
    check(logged(tmp_path, run(tmp_path, rows / data, COLOCATED, **fields)))
    if "lora" not in fields:
        assert furthest_weight(tmp_path) > 1e-3


def test_a_server_samples_from_what_is_trained(rows: Path, tmp_path: Path, server: dict[str, Any]) -> None:
    check(logged(tmp_path, run(tmp_path, rows / "large", server, launch=TWO_PROCESSES, **BOUNDS)))
    assert furthest_weight(tmp_path) > 1e-3


def test_a_server_with_other_bounds_on_pixels_ends_the_run(rows: Path, tmp_path: Path, server: dict[str, Any]) -> None:
    done = run(tmp_path, rows / "large", server)
    assert done.returncode == 3
    assert "step 1: the vLLM server makes [16] tokens of a prompt's images where [64] are trained on" in done.stderr
    assert """--mm-processor-kwargs '{"size": {"shortest_edge": 3136, "longest_edge": 50176}}'""" in done.stderr


def test_a_server_that_is_not_there_is_one_line(rows: Path, tmp_path: Path) -> None:
    nowhere = {"use_vllm": True, "vllm_mode": "server", "vllm_server_base_url": "http://127.0.0.1:9"}
    done = run(tmp_path, rows / "plain", nowhere | {"vllm_server_timeout": 0.1})
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: The vLLM server can't be reached at http://127.0.0.1:9")


def test_the_mend_is_needed_still(rows: Path, tmp_path: Path) -> None:
    image = json.loads((checkpoint("sft") / "config.json").read_text(encoding="utf-8"))["image_token_id"]
    # Without this a completion may hold an image's placeholder, which ends the run.
    as_trl = COLOCATED | {"generation_kwargs": {"logit_bias": {image: -100.0}}}
    log = logged(tmp_path, run(tmp_path, rows / "plain", as_trl, "as-trl"))
    assert max(entry[APART] for entry in log) > 0.1  # else TRL has mended it (huggingface/trl#6294), and ours can go
