"""Weights, gradients and optimizer shared out over two processes, by the configurations that ship: `make test-sharded`.

Both run the real thing on a CPU. What must hold: the weights that plain data parallelism comes to, under the names that
the base has, and a run that was ended after two steps comes to them as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from training_helpers import make_rows, save_data, write_recipe

from vrft_eval.demo import checkpoint

pytestmark = pytest.mark.skipif(find_spec("deepspeed") is None, reason="DeepSpeed isn't here: run make test-sharded")

CONFIGS = Path(__file__).parents[2] / "trainers" / "configs"
SCRIPT = Path(__file__).with_name("on_cpu.py")
Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows to train on, and the configurations for two processes without a GPU."""
    folder = tmp_path_factory.mktemp("sharded")
    save_data(folder / "data", make_rows(count=12))
    (folder / "configs").mkdir()
    for file in CONFIGS.glob("*.yaml"):
        config = yaml.safe_load(file.read_text(encoding="utf-8")) | {"num_processes": 2, "mixed_precision": "no"}
        (folder / "configs" / file.name).write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


def recipe(folder: Path, name: str, **fields: Any) -> Path:
    """A recipe of four steps, in a folder of its own."""
    (folder / name).mkdir()
    training = {"use_cpu": False, "max_steps": 4, "learning_rate": 1e-3}
    return write_recipe(folder / name, data=str(folder / "data"), training=training, **fields)


def train(folder: Path, config: str, path: Path) -> None:
    """Train over two processes."""
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(folder / "configs" / config)]
    env = os.environ | {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launch, str(SCRIPT), str(path)], env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-6000:]


def weights(run: Path) -> Weights:
    """What was saved; a tied weight that is there twice must be the same twice, and is dropped."""
    found = load_file(run / "model.safetensors")
    tied = found.pop("lm_head.weight", found["model.embed_tokens.weight"])
    assert torch.equal(tied, found["model.embed_tokens.weight"])
    return {name: weight.float() for name, weight in found.items()}


def furthest(one: Weights, other: Weights) -> float:
    """The largest difference of a weight."""
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@pytest.fixture(scope="module")
def unshared(folder: Path) -> Weights:
    """What plain data parallelism comes to."""
    train(folder, "ddp.yaml", recipe(folder, "ddp"))
    return weights(folder / "ddp" / "run")


@pytest.mark.parametrize("config", ["zero3.yaml", "fsdp.yaml"])
def test_shared_out_it_comes_to_the_same_weights_also_when_continued(
    folder: Path, unshared: Weights, config: str
) -> None:
    name = config.removesuffix(".yaml")
    path = recipe(folder, name)
    train(folder, config, path)
    run = folder / name / "run"
    found = weights(run)
    assert furthest(found, unshared) < 1e-5
    base = {key: weight.float() for key, weight in load_file(checkpoint("sft") / "model.safetensors").items()}
    assert furthest(found, base) > 1e-4
    # As if it had been killed in the third step.
    shutil.rmtree(run / "checkpoint-4")
    (run / "model.safetensors").unlink()
    train(folder, config, path)
    assert furthest(weights(run), found) == 0


def test_lora_shared_out_by_zero3(folder: Path) -> None:
    path = recipe(folder, "lora", lora={"r": 8, "lora_alpha": 16}, freeze_vision=True)
    train(folder, "zero3.yaml", path)
    found = load_file(folder / "lora" / "run" / "adapter_model.safetensors")
    assert all(weight.numel() for weight in found.values())
    assert not [name for name in found if "visual" in name]
    assert max(float(weight.abs().max()) for name, weight in found.items() if "lora_B" in name) > 1e-4
