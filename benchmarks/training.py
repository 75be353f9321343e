"""What our part of a GRPO step costs: the reward's share of it, and a whole step of ours beside one of plain TRL.

    python -m benchmarks.training [--steps 20]

Both trainers work on the shipped checkpoint and the same prompts, on one thread of a CPU, and take their steps
in turns within one process; a step is measured in the process's CPU time, so a busy machine doesn't matter. Plain TRL
has a reward that is 1.0 for every completion, and none of our callbacks and logs. Both are made to write 48 tokens a
completion, or they would differ in length. Exits with 1 when a limit is passed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, load_from_disk
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from trainers.console import speak_plainly
from trainers.demo.tuning import training_set as demo_prompts
from trainers.grpo import build
from trainers.model import load_model, load_processor
from trainers.recipe import Recipe
from vrft_eval.demo import checkpoint

WARM_UP = 2
SHARE, RATIO = 0.01, 1.05
"""Most that the reward may take of a step, and most that a step of ours may take of one of plain TRL."""


class Turns(TrainerCallback):
    """Lets a trainer take one step when it is its turn, then passes the turn on. A training loop can't be left and come
    back to, so each runs in a thread of its own, and only one at a time works.
    """

    def __init__(self, own: threading.Semaphore, other: threading.Semaphore) -> None:
        self.seconds: list[float] = []
        self._own, self._other = own, other
        self._start: float | None = None

    def on_step_begin(self, *_args: Any, **_kwargs: Any) -> None:
        """End the step before, with all that is logged of it, and wait."""
        if self._start is not None:
            self.seconds.append(time.process_time() - self._start)
            self._other.release()
        self._own.acquire()
        self._start = time.process_time()

    def on_train_end(self, *_args: Any, **_kwargs: Any) -> None:
        """Never let the other wait again."""
        for _ in range(1000):
            self._other.release()


def constant(completions: list[Any], **_columns: Any) -> list[float]:
    """The cheapest reward there is."""
    return [1.0] * len(completions)


def recipe(folder: Path, steps: int) -> Recipe:
    """4 prompts with 8 completions of 48 tokens a step."""
    return Recipe(
        model=str(checkpoint("sft")),
        data=str(folder / "data"),
        output=str(folder / "run"),
        training={
            "use_cpu": True,
            "bf16": False,
            "max_steps": steps,
            "per_device_train_batch_size": 32,
            "learning_rate": 1e-6,
            "gradient_checkpointing": False,
            "logging_steps": 1,
            "save_strategy": "no",
        },
        grpo={"num_generations": 8, "max_completion_length": 48, "generation_kwargs": {"min_new_tokens": 48}},
    )


def save_prompts(folder: Path, size: int) -> None:
    """The demo's prompts, in the form of docs/training.md."""
    data = demo_prompts(0, size)
    problems = [messages[0]["content"] for messages in data["prompt"]]
    data = data.remove_columns("prompt").add_column("problem", problems)
    data.save_to_disk(str(folder / "data"))


def plain(given: Recipe, folder: Path) -> GRPOTrainer:
    """TRL as one would use it without us."""
    config = given.arguments(GRPOConfig, "grpo", output_dir=str(folder / "plain"), remove_unused_columns=False)
    data: Dataset = load_from_disk(given.data)
    prompts = [[{"role": "user", "content": problem}] for problem in data["problem"]]
    data = data.select_columns(["image"]).add_column("prompt", prompts)
    return GRPOTrainer(
        model=load_model(given),
        reward_funcs=[constant],
        args=config,
        train_dataset=data,
        processing_class=load_processor(given),
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    steps = parser.parse_args().steps + WARM_UP + 1
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        save_prompts(folder, 64)
        given = recipe(folder, steps)
        Path(given.output).mkdir()
        trainers = {"ours": build(given), "plain": plain(given, folder)}
        first, second = threading.Semaphore(1), threading.Semaphore(0)
        turns = {"ours": Turns(first, second), "plain": Turns(second, first)}
        for name, trainer in trainers.items():
            speak_plainly(trainer)
            trainer.add_callback(turns[name])
        with ThreadPoolExecutor(len(trainers)) as pool:
            for done in [pool.submit(trainer.train) for trainer in trainers.values()]:
                done.result()
        log = [line for line in trainers["ours"].state.log_history if "reward_time" in line][WARM_UP:]
    seconds = {name: turn.seconds[WARM_UP:] for name, turn in turns.items()}
    ratio = statistics.median(ours / plain for ours, plain in zip(seconds["ours"], seconds["plain"], strict=True))
    share = sum(line["reward_time"] for line in log) / sum(line["step_time"] for line in log)
    for name, values in seconds.items():
        print(f"{name}: {statistics.median(values):.3f} s of CPU a step, median of {len(values)}")
    print(f"a step of ours / of plain TRL, median of the pairs: {ratio:.3f} (limit {RATIO})")
    print(f"the reward and its logs, by the trainer's own log: {share:.3%} of a step (limit {SHARE:.0%})")
    return int(share > SHARE or ratio > RATIO)


if __name__ == "__main__":
    sys.exit(main())
