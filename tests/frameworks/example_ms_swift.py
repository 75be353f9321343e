"""ms-swift's example: its configuration parsed, and real steps of `swift rlhf` with the small shipped checkpoint."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from examples import CHECKPOINT, PAGES, ROOT, SETS, check_prompt, launch_line, prepared

STEPS = 4
TINY = {
    "model": str(CHECKPOINT),
    "model_type": "qwen2_vl",
    "template": "tiny_qwen2_vl",
    "external_plugins": ["docs/frameworks/ms-swift/reward.py", "tests/frameworks/ms_swift_tiny.py"],
    "system": "",  # it was trained without one
    "dataset": str(SETS / "shapes-ms-swift" / "train.jsonl"),
    "use_hf": True,
    "use_cpu": True,
}
"""The example with the small checkpoint and its data."""
CPU = {
    "torch_dtype": "float32",
    "bf16": False,
    "max_steps": STEPS,
    "per_device_train_batch_size": 16,
    "gradient_accumulation_steps": 1,
    "learning_rate": 1.0e-5,
    "max_completion_length": 96,
    "save_steps": STEPS,
    "save_only_model": True,
    "report_to": "none",
}
"""Small enough for minutes on a CPU. vLLM, which needs a GPU, is left out."""


def parse(example: dict[str, Any], folder: Path) -> None:
    """Let ms-swift parse every key of the example; it refuses those that it doesn't know."""
    from swift.arguments import RLHFArguments  # type: ignore[import-not-found]
    from swift.utils import parse_args  # type: ignore[import-not-found]

    words = []
    for name, value in (example | TINY | {"output_dir": folder}).items():
        if name != "ENV":
            words += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    arguments, left = parse_args(RLHFArguments, words)
    assert left == [], left
    assert (arguments.num_generations, arguments.reward_funcs) == (8, ["vrft_detection"])
    print(f"configuration: {len(example)} keys parsed and checked by ms-swift's RLHFArguments")


def train(example: dict[str, Any], folder: Path, environment: dict[str, str]) -> None:
    """Run the launch line on a copy of the example for a CPU."""
    words = launch_line("ms-swift", "swift")
    assert words == ["rlhf", "docs/frameworks/ms-swift/grpo.yaml"], words
    own = {name: value for name, value in example.items() if "vllm" not in name}
    copy = folder / "grpo.yaml"
    copy.write_text(yaml.safe_dump(own | TINY | CPU | {"output_dir": str(folder / "out")}), encoding="utf-8")
    environment["ROOT_IMAGE_DIR"] = str(SETS / "shapes-ms-swift")
    command = [str(Path(sys.executable).with_name("swift")), "rlhf", str(copy)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-6000:])
        raise SystemExit("swift rlhf failed")


def check(folder: Path) -> None:
    """Check what the run left: the steps' log, and every completion with what it was paid."""
    from vrft_rewards import DetectionReward

    (logged,) = folder.rglob("logging.jsonl")
    lines = [json.loads(line) for line in logged.read_text(encoding="utf-8").splitlines()]
    steps = [line for line in lines if "reward" in line]
    assert len(steps) == STEPS, lines
    for step in steps:
        assert math.isfinite(step["loss"])
        assert math.isclose(step["rewards/DetectionORM/mean"], step["reward"], rel_tol=1e-4), step
    assert any(step["grad_norm"] > 0 for step in steps)
    (saved,) = folder.rglob(f"checkpoint-{STEPS}")
    assert (saved / "model.safetensors").is_file()
    questions = {row.question: row for row in prepared()}
    (written,) = folder.rglob("completions.jsonl")
    rewards = []
    # It writes the last step's again when it ends.
    batches = {line["step"][0]: line for line in map(json.loads, written.read_text(encoding="utf-8").splitlines())}
    assert list(batches) == [str(step + 1) for step in range(STEPS)], list(batches)
    for line in batches.values():
        for prompt, text, solution, paid in zip(
            line["prompt"], line["completion"], line["solution"], line["DetectionORM"], strict=True
        ):
            asked = prompt.replace("<image>", "<|vision_start|><|image_pad|><|vision_end|>")
            question = prompt.split("<image>\n")[1].split("<|im_end|>")[0]
            check_prompt(asked, questions[question])
            reward = DetectionReward().score(text, json.loads(solution)["truth"]).value
            assert math.isclose(paid, reward, rel_tol=1e-6), (text, solution, paid, reward)
            rewards.append(reward)
    assert len(rewards) == 16 * STEPS
    assert max(rewards) > 2.0
    assert len(set(rewards)) > 8
    means = ", ".join(f"{step['reward']:.2f}" for step in steps)
    print(f"swift rlhf: {STEPS} steps on a CPU, mean rewards {means}; prompts as vrft-eval's")
    print(f"reward: {len(rewards)} completions paid as the reward pays them, {len(set(rewards))} different rewards")


if __name__ == "__main__":
    before = dict(os.environ)  # parsing leaves settings for torchrun behind
    example = yaml.safe_load((PAGES / "ms-swift" / "grpo.yaml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        parse(example, Path(folder) / "parsed")
        train(example, Path(folder), before)
        check(Path(folder) / "out")
