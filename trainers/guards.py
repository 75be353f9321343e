"""What ends a run before it does harm: numbers that aren't finite, and rewards that have collapsed."""

from __future__ import annotations

import math
import sys
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from trainers.recipe import StopRules

# Paid without finding anything, so they don't tell a run that learns from one that has collapsed.
_BESIDE = ("format", "confidence")
_WATCHED = ("loss", "grad_norm", "reward", "reward_std")


class TrainingStoppedError(RuntimeError):
    """A run that must not go on; the message says why. What was saved before stays."""


class Guard(TrainerCallback):
    """Raises TrainingStoppedError. No checkpoint is saved while the rewards look collapsed, so the last one is good."""

    def __init__(self, rules: StopRules) -> None:
        self.rules = rules
        self.paid_until = 0
        self.collapsed = 0

    def on_train_begin(
        self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, **_kwargs: Any
    ) -> None:
        """Count from where the run begins or goes on."""
        self.paid_until = state.global_step

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        _control: TrainerControl,
        model: torch.nn.Module | None = None,
        **_kwargs: Any,
    ) -> None:
        """Look at the gradient before it reaches the weights.

        DeepSpeed keeps it to itself: there `on_log` must do. In float16 the scaler of the loss leaves out such a step
        and goes on with a smaller factor.
        """
        if args.fp16:
            return
        gradients = [p.grad for p in model.parameters() if p.grad is not None] if model is not None else []
        norm: Any = torch.nn.utils.get_total_norm(gradients) if gradients else torch.zeros(())
        norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
        if not math.isfinite(float(norm)):
            raise TrainingStoppedError(
                f"step {state.global_step + 1}: the gradient isn't finite ({float(norm)}); the weights were not changed"
            )

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_kwargs: Any,
    ) -> None:
        """Look at what was logged."""
        logs = logs or {}
        for name in _WATCHED:
            value = None if args.fp16 and name == "grad_norm" else logs.get(name)
            if isinstance(value, (int, float)) and not math.isfinite(value):
                raise TrainingStoppedError(f"step {state.global_step}: {name} is {value}")
        parts = {
            name: value for name, value in logs.items() if name.startswith("reward_parts/") and name.count("/") == 2
        }
        if not parts or not self.rules.collapsed_steps:
            return
        low = self.rules.collapsed_below
        paid = {name.rsplit("/", 1)[1] for name, value in parts.items() if value is not None and value > low}
        if paid - set(_BESIDE):
            self.paid_until = state.global_step
        self.collapsed = state.global_step - self.paid_until
        if self.collapsed:
            control.should_save = False
        if self.collapsed >= self.rules.collapsed_steps:
            what = f"nothing but {' and '.join(sorted(paid))}" if paid else "nothing"
            raise TrainingStoppedError(
                f"step {state.global_step}: in the last {self.collapsed} steps {what} was paid (parts up to {low} "
                f"count as not paid); the last checkpoint is from before that"
            )

    def on_step_end(
        self, _args: TrainingArguments, _state: TrainerState, control: TrainerControl, **_kwargs: Any
    ) -> TrainerControl:
        """Save nothing that looks collapsed."""
        if self.collapsed:
            control.should_save = False
        return control

    def on_train_end(
        self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, **_kwargs: Any
    ) -> None:
        """Say it of a run that was too short to be stopped."""
        if self.collapsed and state.is_world_process_zero:
            what = f"in the last {self.collapsed} steps nothing, or nothing but format or confidence, was paid"
            print(f"warning: {what}; see samples.jsonl", file=sys.stderr)
