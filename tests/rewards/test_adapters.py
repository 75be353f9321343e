"""The adapters' contracts, without the frameworks; tests/frameworks runs them inside the real ones."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vrft_rewards import ClassificationReward, DetectionReward
from vrft_rewards.adapters import FILES, path_of
from vrft_rewards.adapters.easyr1 import compute_score as easyr1_score
from vrft_rewards.adapters.ms_swift import vrft_plugin
from vrft_rewards.adapters.nemo_rl import make_reward_fn
from vrft_rewards.adapters.openrlhf import response_of, score_queries
from vrft_rewards.adapters.options import TaskRewards, environment_options, make_reward, read_truth, rewards_for
from vrft_rewards.adapters.trl import TaskReward, TrlReward, trl_reward
from vrft_rewards.adapters.verl import compute_score, compute_score_batch
from vrft_rewards.cli import main

RIGHT = "<think>One.</think><answer>[{'Position': [0, 0, 500, 500], 'Confidence': 1.0}]</answer>"
ROSE = "<think>Red.</think><answer>rose</answer>"
BOX = [[0, 0, 500, 500]]
HOSTILE: list[Any] = [
    "",
    "<answer>" * 2000,
    "\ud800 \x00 <answer>[[1e999, nan, -1, 0]]</answer>",
    "[" * 50000,
    "<answer>" + "9" * 6000 + "</answer>",
    None,
    42,
    [{"role": "assistant", "content": None}],
    [{"type": "text", "text": RIGHT}, {"type": "image"}],
]
KEYS = {"detection": ["iou", "confidence", "format"], "classification": ["accuracy", "format"]}


@pytest.fixture(autouse=True)
def no_options(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(environment_names()):
        monkeypatch.delenv(name)


def environment_names() -> list[str]:
    import os

    return [name for name in os.environ if name.startswith("VRFT_REWARD_")]


# Each framework's call, reduced to (completions, truths) -> values.
CALLS: dict[str, Callable[[list[Any], list[Any]], list[float]]] = {
    "trl": lambda texts, truths: _floats(trl_reward("detection")(completions=texts, solution=truths)),
    "verl": lambda texts, truths: [
        compute_score("d", text, truth, {"index": row}, task="detection")["score"]
        for row, (text, truth) in enumerate(zip(texts, truths, strict=True))
    ],
    "verl batch": lambda texts, truths: [
        row["score"] for row in compute_score_batch(["d"] * len(texts), texts, truths, None, task="detection")
    ],
    "easyr1": lambda texts, truths: [
        row["overall"]
        for row in easyr1_score(
            [
                {"response": text, "response_length": 1, "ground_truth": truth}
                for text, truth in zip(texts, truths, strict=True)
            ],
            task="detection",
        )
    ],
    "ms-swift": lambda texts, truths: _floats(vrft_plugin.DetectionORM()(texts, solution=truths)),
    "openrlhf": lambda texts, truths: score_queries(
        rewards_for({"task": "detection"}), ["P" + str(text or "") for text in texts], ["P"] * len(texts), truths
    )["rewards"],
    "nemo-rl": lambda texts, truths: [
        make_reward_fn(task="detection")(truth, text)[0] for text, truth in zip(texts, truths, strict=True)
    ],
}


def _floats(values: list[float | None]) -> list[float]:
    return [value for value in values if value is not None]


@pytest.mark.parametrize("framework", CALLS)
def test_every_adapter_pays_what_the_reward_pays(framework: str) -> None:
    reward = DetectionReward()
    texts = [RIGHT, "No idea.", "<think>a</think><answer>[[0, 0, 400, 500]]</answer>"]
    truths = [json.dumps(BOX), BOX, np.array([np.array([0.0, 0, 500, 500])])]
    values = CALLS[framework](texts, truths) if framework != "trl" else CALLS[framework](texts, [BOX] * 3)
    assert values == [reward.score(text, BOX).value for text in texts]


@pytest.mark.parametrize("framework", CALLS)
def test_no_completion_raises_or_leaves_the_bounds(framework: str) -> None:
    values = CALLS[framework](HOSTILE, [BOX] * len(HOSTILE))
    assert len(values) == len(HOSTILE)
    assert all(isinstance(value, float) and 0.0 <= value <= 3.0 for value in values)


@pytest.mark.parametrize("framework", [name for name in CALLS if name != "nemo-rl"])
@pytest.mark.parametrize("truth", [[[0, 0, float("nan"), 5]], "a bus", None, [[5, 5, 1, 1]], {"boxes": BOX}])
def test_a_bad_truth_names_row_and_field(framework: str, truth: Any) -> None:
    with pytest.raises(ValueError, match=r"row 1\b.*truth"):
        CALLS[framework]([RIGHT, RIGHT], [BOX, truth])


def test_keys_never_vary() -> None:
    for text in HOSTILE:
        row = compute_score("d", text, BOX, task="detection")
        assert list(row) == ["score", *KEYS["detection"]]
        assert all(isinstance(value, float) for value in row.values())
    mixed: dict[str, Any] = {"task": "detection,classification", "labels": ["rose", "tulip"]}
    rows = [
        compute_score("d", RIGHT, BOX, {"task": "detection"}, **mixed),
        compute_score("d", ROSE, '{"task": "classification", "truth": "rose"}', {}, **mixed),
    ]
    assert rows == [{"score": 3.0, "format": 1.0}, {"score": 2.0, "format": 1.0}]


def test_several_tasks_need_the_row_to_name_its_own() -> None:
    rewards = TaskRewards("detection, grounding")
    with pytest.raises(ValueError, match="row 4: task: missing; the rewards are for detection, grounding"):
        rewards.judge(RIGHT, BOX, row=4)
    with pytest.raises(ValueError, match="task: 'counting'"):
        rewards.judge(RIGHT, BOX, task="counting")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "counting"}, "task: unknown task 'counting'"),
        ({"task": "detection", "labels": ["a"]}, "labels: only for classification"),
        ({"task": "classification", "space": "pixels"}, "space: classification has no coordinates"),
        ({"task": "detection", "profile": "best"}, "profile: unknown profile 'best'"),
        ({"task": "detection", "iou_treshold": 0.4}, "iou_treshold.*iou_threshold"),
        ({"task": "classification", "labels": "/nowhere/labels.txt"}, "labels: /nowhere/labels.txt: No such file"),
        ({"task": "detection", "extra": object()}, "options: expected plain data"),
        ({}, "task: missing"),
        ({"task": []}, "task: missing"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rewards_for(options)


def test_options_as_files_hold_them(tmp_path: Path) -> None:
    labels, aliases = tmp_path / "labels.txt", tmp_path / "aliases.json"
    labels.write_text("rose\n\ntulip\n", encoding="utf-8")
    aliases.write_text('{"rose": ["Rosa"]}', encoding="utf-8")
    reward = make_reward("classification", labels=str(labels), aliases=str(aliases))
    assert reward.score("<think>a</think><answer>Rosa</answer>", "rose").value == 2.0
    aliases.write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match="expected a JSON object of lists of names"):
        make_reward("classification", labels=str(labels), aliases=str(aliases))


def test_rewards_are_made_once() -> None:
    assert rewards_for({"task": "detection", "space": None}) is rewards_for({"task": "detection"})


def test_image_sizes_reach_the_reward() -> None:
    options: dict[str, Any] = {"task": "detection", "space": "norm1000", "truth_space": "pixels"}
    truth = [[0, 0, 50, 25]]
    for extra, label in (({"image_size": np.array([100, 50])}, truth), ({}, {"truth": truth, "image_size": [100, 50]})):
        assert compute_score("d", RIGHT, label, extra, **options)["score"] == 3.0
    with pytest.raises(ValueError, match="image_size: needed"):
        compute_score("d", RIGHT, truth, **options)


def test_labels_that_look_like_json_stay_labels() -> None:
    assert read_truth("[rose]") == ("[rose]", None, None)
    assert compute_score("d", ROSE, "rose", task="classification")["accuracy"] == 1.0


def test_trl_leaves_out_rows_without_a_task_and_logs_stable_names() -> None:
    reward = TrlReward(
        {
            "detection": TaskReward(DetectionReward(), "boxes"),
            "classification": TaskReward(ClassificationReward(labels=["rose"]), "label"),
        }
    )
    logged: dict[str, float] = {}
    extra: dict[str, list[str]] = {}
    values = reward(
        completions=[RIGHT, [{"role": "assistant", "content": ROSE}], [{"role": "assistant", "content": []}]],
        task=["detection", "classification", None],
        boxes=[BOX, None, None],
        label=[None, "rose", None],
        log_metric=logged.__setitem__,
        log_extra=extra.__setitem__,
    )
    assert values == [3.0, 2.0, None]
    assert sorted(logged) == sorted(f"reward_parts/{task}/{part}" for task, parts in KEYS.items() for part in parts)
    assert len(extra["reason"]) == 3
    assert reward.__name__ == "verifiable_reward"
    copy = pickle.loads(pickle.dumps(reward))
    assert copy(completions=[RIGHT], task=["detection"], boxes=[BOX]) == [3.0]
    with pytest.raises(ValueError, match="no column 'task'"):
        reward(completions=[RIGHT], boxes=[BOX])
    with pytest.raises(ValueError, match="row 0: task is 'counting'"):
        reward(completions=[RIGHT], task=["counting"], boxes=[BOX])
    with pytest.raises(ValueError, match="no column 'boxes'"):
        reward(completions=[RIGHT], task=["detection"])


def test_trl_takes_options_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from vrft_rewards.adapters import trl

    trl._from_environment.cache_clear()
    with pytest.raises(ValueError, match="VRFT_REWARD_TASK: missing"):
        trl.reward(completions=[RIGHT], solution=[BOX])
    monkeypatch.setenv("VRFT_REWARD_TASK", "detection")
    monkeypatch.setenv("VRFT_REWARD_TRUTH_COLUMN", "boxes")
    assert trl.reward(completions=[RIGHT], boxes=[BOX]) == [3.0]
    trl._from_environment.cache_clear()


def test_environment_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRFT_REWARD_PROFILE", "paper")
    monkeypatch.setenv("VRFT_REWARD_FIELDS", '{"iou_threshold": 0.6}')
    assert environment_options() == {"profile": "paper", "iou_threshold": 0.6}
    monkeypatch.setenv("VRFT_REWARD_PROFIL", "paper")
    with pytest.raises(ValueError, match="VRFT_REWARD_PROFIL: unknown"):
        environment_options()


def test_ms_swift_takes_the_task_from_its_name_or_its_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VRFT_REWARD_TRUTH_COLUMN", "boxes")
    reward = vrft_plugin.VrftORM(args=object())
    assert reward([RIGHT, RIGHT], boxes=[BOX, None], task=["detection", None]) == [3.0, None]
    with pytest.raises(ValueError, match="boxes: the data set has no such column"):
        reward([RIGHT], solution=[BOX])
    assert vrft_plugin.GroundingORM()([RIGHT], boxes=[BOX[0]], image_size=[[10, 10]]) == [2.0]


def test_ms_swift_plugin_has_a_folder_without_module_names_of_others() -> None:
    """ms-swift puts the plugin's folder first on the module path."""
    beside = {path.stem for path in path_of("ms-swift").parent.iterdir() if path.suffix == ".py"}
    assert beside == {"__init__", "vrft_plugin"}


CHAT = "<|im_start|>user\n{image}Find it: <answer>x</answer><|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize(
    ("query", "prompt"),
    [
        (CHAT.format(image="") + RIGHT + "<|im_end|>\n", CHAT.format(image="")),
        (CHAT.format(image="<|image_pad|>" * 300) + RIGHT + "<|im_end|>", CHAT.format(image="<|image_pad|>")),
        ("once " * 20 + CHAT.format(image="") + RIGHT, "Asked " + "once " * 30 + CHAT.format(image="")),
        ("P" + RIGHT + "</s></s> \n<|endoftext|>", "P"),
    ],
)
def test_openrlhf_finds_the_response(query: str, prompt: str) -> None:
    assert response_of(query, prompt) == RIGHT


def test_openrlhf_answers_lists_of_numbers() -> None:
    answer = score_queries(rewards_for({"task": "detection"}), ["P" + RIGHT, "P"], ["P", "P"], [BOX, "[]"])
    assert answer["rewards"] == [3.0, 0.0]
    assert answer["scores"] == [1.0, 0.0]
    assert answer["extra_logs"] == {"iou": [1.0, 0.0], "confidence": [1.0, 0.0], "format": [1.0, 0.0]}
    with pytest.raises(ValueError, match="row 0: query: doesn't hold its prompt"):
        score_queries(rewards_for({"task": "detection"}), [RIGHT], ["Another question"], [BOX])
    with pytest.raises(ValueError, match="labels: expected 1"):
        score_queries(rewards_for({"task": "detection"}), [RIGHT], ["P"], [])


@pytest.mark.parametrize("framework", FILES)
def test_files_load_by_path_as_frameworks_load_them(framework: str) -> None:
    path = path_of(framework)
    spec = importlib.util.spec_from_file_location(f"loaded_{framework.replace('-', '_')}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if framework == "trl":  # its data classes need their module; TRL imports by name
        sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    assert set(module.__all__) <= set(vars(module)) | {"VrftEnvironment"}


def test_an_unknown_framework_is_named() -> None:
    with pytest.raises(ValueError, match="framework: unknown framework 'rllib', expected one of easyr1"):
        path_of("rllib")


def test_the_command_prints_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["path", "ms-swift"]) == 0
    assert Path(capsys.readouterr().out.strip()) == path_of("ms-swift")
    with pytest.raises(SystemExit, match="2"):
        main(["path", "rllib"])


def test_the_command_hands_serve_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--task", "counting"]) == 2
    assert "task: unknown task 'counting'" in capsys.readouterr().err
