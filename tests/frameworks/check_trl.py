"""TRL: real GRPOTrainer steps of a tiny model, with prompts as text and as messages, and rows without a task."""

from __future__ import annotations

import math
import tempfile
from importlib.metadata import version
from typing import Any

from common import COMPLETIONS, PARTS, TRUTH, check_same
from tiny_model import make_model

from vrft_rewards import DetectionReward
from vrft_rewards.adapters.trl import TaskReward, TrlReward, trl_reward


class Watched(TrlReward):
    """The reward function, which remembers what TRL handed to it and what it gave back."""

    def __call__(self, **given: Any) -> list[float | None]:
        """Score as always."""
        values = super().__call__(**given)
        self.seen = getattr(self, "seen", []) + list(zip(given["completions"], values, strict=True))
        return values


def train(prompts: list[Any], tasks: list[str | None]) -> tuple[Watched, dict[str, float]]:
    """Run one step and return the reward function and what was logged."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import GRPOConfig, GRPOTrainer

    model, tokenizer = make_model()
    reward = Watched({"detection": TaskReward(DetectionReward(), "boxes")})
    rows = {"prompt": prompts, "task": tasks, "boxes": [TRUTH] * len(prompts)}
    with tempfile.TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder,
            use_cpu=True,
            bf16=False,
            max_steps=1,
            per_device_train_batch_size=8,
            num_generations=4,
            max_completion_length=16,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=[reward],
            args=config,
            train_dataset=Dataset.from_dict(rows),
            processing_class=tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return reward, trainer.state.log_history[0]


def main() -> None:
    """Run the check."""
    import torch

    print(f"trl {version('trl')}, transformers {version('transformers')}, torch {torch.__version__}")
    message = [{"role": "user", "content": "Find it."}]
    for what, prompts in (("text", ["Find it."] * 2), ("messages", [message] * 2)):
        reward, logged = train(prompts, ["detection", None])
        values = [value for _, value in reward.seen]
        assert len(values) == 8
        assert values.count(None) == 4  # the rows whose task is None
        paid = [value for value in values if value is not None]
        for completion, value in reward.seen:
            assert isinstance(completion, str if what == "text" else list)
            assert value is None or value == DetectionReward().score(completion, TRUTH).value
        assert math.isclose(logged["rewards/verifiable_reward/mean"], sum(paid) / len(paid), abs_tol=1e-6)
        parts = [name for name in logged if name.startswith("reward_parts/")]
        assert sorted(parts) == sorted(f"reward_parts/detection/{part}" for part in PARTS)
        assert math.isfinite(logged["loss"])
        print(f"GRPOTrainer step, prompts as {what}: {len(paid)} of 8 rewards, logged {', '.join(sorted(parts))}")
    values = trl_reward("detection")(completions=COMPLETIONS, solution=[TRUTH] * len(COMPLETIONS))
    check_same([value for value in values if value is not None], "reward function")


if __name__ == "__main__":
    main()
