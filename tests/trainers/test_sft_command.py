"""`python -m trainers.sft`: real runs of TRL's trainer on the shipped checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training_helpers import make_rows, save_data, write_recipe

from trainers.command import BAD_INPUT, STOPPED
from trainers.recipe import load_recipe
from trainers.sft import build, main
from vrft_rewards import DetectionReward


def test_only_the_right_answer_is_learnt(tmp_path: Path) -> None:
    rows = make_rows(["detection", "grounding"], 4)
    for row in rows:  # the truth in pixels, the answers in 0..1000
        row["space"] = "pixels"
        for name in ("boxes", "box"):
            row[name] = row[name] and (torch.tensor(row[name], dtype=torch.float64) * 0.112).tolist()
    save_data(tmp_path / "data", rows)
    trainer = build(load_recipe(write_recipe(tmp_path, truth_space="pixels")))
    tokenizer = trainer.processing_class.tokenizer
    batch = trainer.data_collator([trainer.train_dataset[k] for k in range(4)])
    for row, labels in zip(rows, batch["labels"], strict=True):
        text = tokenizer.decode(labels[labels != -100], skip_special_tokens=True).strip()
        assert text.startswith("<think>I look for ")
        assert text.endswith(f"</think>{row['solution'].replace('0.9}', '1.0}')}") or row["task"] == "detection"
        if row["task"] == "detection":
            truth = (torch.tensor(row["boxes"], dtype=torch.float64).reshape(-1, 4) / 0.112).tolist()
            assert DetectionReward().score(text, truth).value == pytest.approx(3.0, abs=0.05)


def test_a_run_that_is_begun_again_goes_on(tmp_path: Path) -> None:
    save_data(tmp_path / "data", make_rows())
    recipe = write_recipe(tmp_path, training={"max_steps": 4})
    assert main([str(recipe), f"output={tmp_path / 'whole'}"]) == 0
    # As a crash leaves it: the model of step 4 and its checkpoint are gone.
    assert main([str(recipe)]) == 0
    for path in sorted((tmp_path / "run/checkpoint-4").iterdir()):
        path.unlink()
    assert main([str(recipe)]) == 0
    history = json.loads((tmp_path / "run/trainer_state.json").read_text())["log_history"]
    assert [line["step"] for line in history if "loss" in line] == [1, 2, 3, 4]
    whole, resumed = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "run"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_gradient_that_is_not_finite_stops_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_data(tmp_path / "data", make_rows())
    recipe = write_recipe(
        tmp_path, training={"learning_rate": 1e20, "lr_scheduler_type": "constant", "save_steps": 1, "max_steps": 9}
    )
    assert main([str(recipe)]) == STOPPED
    assert "stopped: step 2: the gradient isn't finite" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run").glob("checkpoint-*")] == ["checkpoint-1"]
    saved = load_file(tmp_path / "run/checkpoint-1/model.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in saved.values())


def test_a_thought_may_not_break_the_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = make_rows(["classification"], 2)
    (tmp_path / "data").mkdir()
    with (tmp_path / "data/train.jsonl").open("w") as file:
        for k, row in enumerate(rows):
            row["image"].save(tmp_path / f"data/{k}.png")
            thinking = "Five petals." if k == 0 else "I think </think> that"
            line = {"image": f"{k}.png", "problem": row["problem"], "label": row["label"], "thinking": thinking}
            file.write(json.dumps(line) + "\n")
    assert main([str(write_recipe(tmp_path, task="classification"))]) == BAD_INPUT
    assert "data: row 1: the right answer written out earns" in capsys.readouterr().err


def test_answers_are_whole_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_data(tmp_path / "data", make_rows(["detection"], 2))
    assert main([str(write_recipe(tmp_path, space="norm1", truth_space="norm1000"))]) == BAD_INPUT
    assert "space: SFT writes whole numbers" in capsys.readouterr().err


def test_a_recipe_of_grpo_with_a_reward_of_ones_own_is_taken(tmp_path: Path) -> None:
    save_data(tmp_path / "data", make_rows(["detection"], 2))
    reward = {"own": {"detection": "nowhere:reward"}, "schedule": {"letters": [[0, 1.0]]}}
    assert len(build(load_recipe(write_recipe(tmp_path, reward=reward))).train_dataset) == 2
