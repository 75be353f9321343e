"""`python -m trainers.grpo`: real runs of TRL's trainer on the shipped checkpoint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from training_helpers import make_rows, save_data, write_recipe
from transformers import TrainingArguments

from trainers.command import BAD_INPUT, STOPPED
from trainers.grpo import main
from trainers.training_set import flat_prompts
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.demo import checkpoint


def logged(run: Path) -> list[dict[str, Any]]:
    """The log lines of the steps."""
    history: list[dict[str, Any]] = json.loads((run / "trainer_state.json").read_text())["log_history"]
    return [line for line in history if "reward" in line]


def test_a_killed_run_goes_on_as_if_it_had_not_been_killed(tmp_path: Path) -> None:
    save_data(tmp_path / "data", make_rows())
    recipe = write_recipe(tmp_path, training={"max_steps": 4})
    assert main([str(recipe), f"output={tmp_path / 'whole'}"]) == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "trainers.grpo", str(recipe)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    saved = tmp_path / "run/checkpoint-2/trainer_state.json"
    while not saved.is_file():
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "run/model.safetensors").exists()
    # A second kill, in the middle of the next checkpoint: it must not be taken for one.
    torn = tmp_path / "run/checkpoint-3"
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")
    assert main([str(recipe)]) == 0
    assert [line["step"] for line in logged(tmp_path / "run")] == [1, 2, 3, 4]
    whole, resumed = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "run"))
    before = load_file(checkpoint("sft") / "model.safetensors")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert any(not torch.equal(whole[name], before[name].float()) for name in whole)


def test_what_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_data(tmp_path / "data", make_rows())
    recipe = write_recipe(
        tmp_path,
        training={"per_device_train_batch_size": 12},
        reward={"schedule": {"format": [[0, 1.0], [1, 0.0]]}},
        evaluate=["vrft-eval run shapes-detection --model {output} --out {output}/scores"],
    )
    assert main([str(recipe)]) == 0
    run = tmp_path / "run"
    assert f"score it: vrft-eval run shapes-detection --model {run} --out {run}/scores" in capsys.readouterr().out
    first, second = logged(run)
    tasks = [name.split("/")[1] for name in first if name.startswith("flat_groups/")]
    groups = [json.loads(line) for line in (run / "groups.jsonl").read_text().splitlines()]
    assert [group["step"] for group in groups] == [0, 0, 0, 1, 1, 1]
    assert first["reward"] == pytest.approx(sum(group["mean"] for group in groups[:3]) / 3, abs=1e-5)
    assert first["frac_reward_zero_std"] == pytest.approx(sum(group["std"] == 0 for group in groups[:3]) / 3)
    for task in tasks:
        assert {f"parse_failures/{task}/{kind}" for kind in ("missing_answer", "unreadable_answer")} <= set(first)
        assert f"reward_parts/{task}/format/group_std" in first
    assert (first["reward_weights/format"], second["reward_weights/format"]) == (1.0, 0.0)
    for line in (json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()):
        weight = 1.0 if line["step"] == 0 else 0.0
        total = sum(value * (weight if part == "format" else 1) for part, value in line["parts"].items())
        assert line["reward"] == pytest.approx(total)
        assert line["reason"]
    assert 0 < second["reward_time"] < second["step_time"]
    flat = {group["id"] for group in groups if group["std"] == 0}
    assert flat_prompts(run) == {name for name in flat if all(g["std"] == 0 for g in groups if g["id"] == name)}


def test_lora_leaves_a_frozen_vision_tower_alone_and_can_be_scored(tmp_path: Path) -> None:
    save_data(tmp_path / "data", make_rows())
    recipe = write_recipe(tmp_path, lora={"r": 4}, freeze_vision=True, max_pixels=112 * 112, grpo={"beta": 0.04})
    assert main([str(recipe), "training.max_steps=1"]) == 0
    adapter = load_file(tmp_path / "run/adapter_model.safetensors")
    assert adapter
    assert not any("visual" in name for name in adapter)
    TransformersBackend(checkpoint("sft"), lora=tmp_path / "run").close()
    assert json.loads((tmp_path / "run/processor_config.json").read_text())["image_processor"]["size"] == {
        "longest_edge": 112 * 112,
        "shortest_edge": 56 * 56,
    }


def test_a_reward_of_ones_own_pays(tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text(
        "from vrft_rewards import completion_text\n"
        "from vrft_rewards.rewards import PartsReward\n"
        "class Letters(PartsReward):\n"
        "    def __init__(self):\n"
        "        self.declare(('letters', 0.5, 0.0, 1.0))\n"
        "    def measure(self, completion, truth, image_size=None):\n"
        "        return (min(1.0, len(completion_text(completion)) / 1e6 + len(truth) / 10),), 'letters'\n"
    )
    save_data(tmp_path / "data", make_rows(["detection"]))
    own = f"reward.own.detection={tmp_path / 'count.py'}:Letters"
    assert main([str(write_recipe(tmp_path)), own, "training.max_steps=2"]) == 0
    line = logged(tmp_path / "run")[-1]
    assert 0 < line["reward_parts/detection/letters"] < 0.5
    assert "reward_parts/detection/iou" not in line


def test_a_collapsed_reward_stops_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_data(tmp_path / "data", make_rows())
    short = {"max_completion_length": 3}  # too short for any answer
    recipe = write_recipe(tmp_path, grpo=short, stop={"collapsed_steps": 2}, training={"save_steps": 1, "max_steps": 9})
    assert main([str(recipe)]) == STOPPED
    assert "stopped: step 2: in the last 2 steps nothing was paid" in capsys.readouterr().err
    assert not list((tmp_path / "run").glob("checkpoint-*"))


def test_an_output_folder_belongs_to_one_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_data(tmp_path / "data", make_rows())
    recipe = write_recipe(tmp_path, training={"save_steps": 1, "max_steps": 1})
    assert main([str(recipe)]) == 0
    assert main([str(recipe), "grpo.temperature=0.5"]) == BAD_INPUT
    error = capsys.readouterr().err
    assert "output: was begun with another recipe: grpo.temperature was None, is 0.5" in error
    assert main([str(recipe), "resume=never"]) == BAD_INPUT
    assert "holds checkpoint-1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("grpo.num_generation=4", "grpo.num_generation: unknown, did you mean num_generations"),
        ("grpo.beta=much", "grpo.beta: Input should be a valid number"),
        ("grpo.num_generations=3", "generation_batch_size (4) must be divisible by num_generations (3)"),
        ("grpo.output_dir=elsewhere", "grpo.output_dir: is set by the recipe itself"),
        ("reward.profile=paperr", "unknown profile 'paperr'"),
        ("reward.detection.iou_treshold=0.3", "did you mean iou_threshold"),
        ("reward.schedule.formt=[[0,1]]", "no such part"),
        ("reward.schedule.format=[]", "reward.schedule.format: List should have at least 1 item"),
        ("training.resume_from_checkpoint=x", "training.resume_from_checkpoint: is set by the recipe itself"),
        ("training.eval_strategy=steps", "error: You have set `args.eval_strategy`"),
        ("lora.target_modules=[nowhere]", "error: Target modules {'nowhere'} not found"),
        ("model_options.dtype=float31", "model: can't be loaded: module 'torch' has no attribute 'float31'"),
        ("reward.own.detection=nowhere:reward", "reward.own.detection: can't be loaded: No module named 'nowhere'"),
        ("reward.own.detection=math:pi", "reward.own.detection: isn't a vrft_rewards.Reward, got 'math:pi'"),
        ("data=a/{model.x}", "data: in braces there may be"),
        ("data=no/where", "data: there is no such folder (of the Hub: hub:OWNER/NAME), got 'no/where'"),
        ("space=pixels-resized truth_space=norm1000", "min_pixels: needed for pixels-resized"),
        ("model=./nowhere", "model: the processor can't be loaded"),
    ],
)
def test_bad_recipes_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], override: str, message: str
) -> None:
    save_data(tmp_path / "data", make_rows(count=3))
    assert main([str(write_recipe(tmp_path)), *override.split()]) == BAD_INPUT
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_process_that_sees_several_gpus_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What transformers says of such a machine, which this one needn't be.
    monkeypatch.setattr(TrainingArguments, "n_gpu", 8)
    assert main([str(write_recipe(tmp_path)), "data=no/where"]) == BAD_INPUT
    assert "error: one process sees 8 GPUs: start it by accelerate launch" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("wandb") is not None, reason="needs an environment without wandb")
def test_what_is_not_installed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_data(tmp_path / "data", make_rows(count=3))
    assert main([str(write_recipe(tmp_path)), "training.report_to=[wandb]"]) == BAD_INPUT
    assert "error: WandbCallback requires wandb to be installed" in capsys.readouterr().err
