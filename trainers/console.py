"""One short line a log on the terminal; TensorBoard, W&B and trainer_state.json have all of it."""

from __future__ import annotations

import re
from typing import Any

from transformers import (
    PrinterCallback,
    ProgressCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

_SHOWN = {
    "loss": "loss",
    "reward": "reward",
    "reward_std": "spread",
    "frac_reward_zero_std": "groups without spread",
    "completions/clipped_ratio": "cut off",
    "mean_token_accuracy": "token accuracy",
    "step_time": "seconds",
}
_PART = re.compile(r"reward_parts/([^/]+/[^/]+)")


def speak_plainly(trainer: Any) -> None:
    """Replace what transformers prints of a log, which is all of it."""
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(_Console())


class _Console(TrainerCallback):
    def on_log(
        self,
        _args: TrainingArguments,
        state: TrainerState,
        _control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_kwargs: Any,
    ) -> None:
        """Print the numbers that tell whether a run is well."""
        shown = []
        for name, value in (logs or {}).items():
            part = _PART.fullmatch(name)
            word = part[1] if part else _SHOWN.get(name)
            if word is not None and value is not None:
                shown.append(f"{word} {float(value):.3g}")
        if shown and state.is_world_process_zero:
            print(f"step {state.global_step}/{state.max_steps}: {', '.join(shown)}", flush=True)
