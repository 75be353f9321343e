"""ms-swift: the plugin through its own loader and tables, its reward computation, and a real `swift rlhf` step."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from common import COMPLETIONS, TRUTH, TRUTH_TEXT, check_same, refused
from tiny_model import save_model

from vrft_rewards.adapters import path_of


def main() -> None:
    """Run the check."""
    import torch
    from swift.rewards import orms  # type: ignore[import-not-found]
    from swift.rl_core.data import GRPOSample  # type: ignore[import-not-found]
    from swift.rl_core.grpo_algorithm import compute_rewards_per_func  # type: ignore[import-not-found]
    from swift.rlhf_trainers.utils import resolve_reward_funcs  # type: ignore[import-not-found]
    from swift.utils import import_external_file  # type: ignore[import-not-found]

    print(f"ms-swift {version('ms-swift')}, trl {version('trl')}, torch {torch.__version__}")
    plugin = import_external_file(str(path_of("ms-swift")))
    assert orms["vrft_detection"] is plugin.DetectionORM
    # The plugin's folder is now first on the module path: nothing there may hide another package.
    import trl

    assert "vrft_rewards" not in str(trl.__file__)

    functions, names = resolve_reward_funcs(["vrft_detection", "vrft"], args=object())
    print(f"registered: {', '.join(names)}")
    samples = [
        GRPOSample(
            messages=[{"role": "user", "content": "Find it."}, {"role": "assistant", "content": text}],
            extra={"solution": TRUTH_TEXT, "task": "detection"},
        )
        for text in COMPLETIONS
    ]
    rewards = compute_rewards_per_func(samples, functions, [None] * 2, torch.device("cpu"))
    check_same(rewards[:, 0].tolist(), "compute_rewards_per_func, vrft_detection")
    check_same(rewards[:, 1].tolist(), "compute_rewards_per_func, vrft")
    samples[2].extra["solution"] = "[[5, 5, 1, 1]]"
    with refused(ValueError, "row 2"):
        compute_rewards_per_func(samples, functions, [None] * 2, torch.device("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder))


def train(folder: Path) -> None:
    """Run one step of `swift rlhf --rlhf_type grpo` with the plugin, as its users do."""
    save_model(folder / "model")
    row = {"messages": [{"role": "user", "content": "Find it."}], "boxes": json.dumps(TRUTH)}
    (folder / "rows.jsonl").write_text((json.dumps(row) + "\n") * 8, encoding="utf-8")
    options = {
        "rlhf_type": "grpo",
        "model": folder / "model",
        "model_type": "qwen2",
        "template": "qwen",
        "dataset": folder / "rows.jsonl",
        "external_plugins": path_of("ms-swift"),
        "reward_funcs": "vrft_detection",
        "tuner_type": "full",
        "torch_dtype": "float32",
        "max_steps": 1,
        "per_device_train_batch_size": 4,
        "num_generations": 4,
        "max_completion_length": 8,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": "true",
        "use_hf": "true",
        "split_dataset_ratio": 0,
        "output_dir": folder / "out",
    }
    command = [sys.executable, "-m", "swift.cli.rlhf"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    environment = os.environ | {"VRFT_REWARD_TRUTH_COLUMN": "boxes"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-3000:], done.stderr[-6000:])
        raise SystemExit("swift rlhf failed")
    (logged,) = (folder / "out").rglob("logging.jsonl")
    steps = [json.loads(line) for line in logged.read_text(encoding="utf-8").splitlines()]
    reward = next(step for step in steps if "reward" in step)
    assert math.isfinite(reward["loss"])
    name = next(name for name in reward if name.startswith("rewards/") and name.endswith("/mean"))
    assert name == "rewards/DetectionORM/mean"
    print(f"swift rlhf step: reward {reward['reward']}, {name} {reward[name]}")


if __name__ == "__main__":
    main()
