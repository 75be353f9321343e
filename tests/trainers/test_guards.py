"""When a run is stopped, by what was logged."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from trainers.guards import Guard, TrainingStoppedError
from trainers.recipe import StopRules

PAID = {"reward_parts/detection/format": 1.0, "reward_parts/detection/iou": 0.4}
FORMAT_ALONE = {"reward_parts/detection/format": 1.0, "reward_parts/detection/iou": 0.001}


@pytest.fixture
def arguments(tmp_path: Any) -> TrainingArguments:
    return TrainingArguments(output_dir=str(tmp_path), use_cpu=True)


def after(guard: Guard, arguments: TrainingArguments, step: int, logs: dict[str, float]) -> TrainerControl:
    control = TrainerControl(should_save=True)
    guard.on_log(arguments, TrainerState(global_step=step), control, logs)
    return control


def test_steps_are_counted_whatever_is_logged_of_them(arguments: TrainingArguments) -> None:
    guard = Guard(StopRules(collapsed_steps=30))
    guard.on_train_begin(arguments, TrainerState(global_step=100), TrainerControl())
    assert not after(guard, arguments, 110, FORMAT_ALONE).should_save
    assert after(guard, arguments, 120, PAID).should_save
    assert not after(guard, arguments, 130, FORMAT_ALONE).should_save
    after(guard, arguments, 140, FORMAT_ALONE)
    with pytest.raises(TrainingStoppedError, match="step 150: in the last 30 steps nothing but format was paid"):
        after(guard, arguments, 150, FORMAT_ALONE)


def test_a_run_that_ends_before_is_told_of(arguments: TrainingArguments, capsys: pytest.CaptureFixture[str]) -> None:
    guard = Guard(StopRules())
    after(guard, arguments, 20, FORMAT_ALONE)
    guard.on_train_end(arguments, TrainerState(global_step=20), TrainerControl())
    assert "warning: in the last 20 steps nothing, or nothing but format" in capsys.readouterr().err


def test_the_scaler_of_float16_may_leave_out_a_step(arguments: TrainingArguments) -> None:
    guard, model = Guard(StopRules()), torch.nn.Linear(1, 1)
    model.weight.grad = torch.full((1, 1), float("inf"))
    with pytest.raises(TrainingStoppedError, match="the gradient isn't finite"):
        guard.on_pre_optimizer_step(arguments, TrainerState(), TrainerControl(), model)
    arguments.fp16 = True
    guard.on_pre_optimizer_step(arguments, TrainerState(), TrainerControl(), model)
    after(guard, arguments, 1, {"grad_norm": float("inf")})
    with pytest.raises(TrainingStoppedError, match="loss is nan"):
        after(guard, arguments, 2, {"loss": float("nan")})
