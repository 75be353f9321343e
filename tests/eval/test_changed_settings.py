"""What changes answers is refused in a run that has begun, with what differs; where and how fast they come is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import write_coco

from vrft_eval.commands import DataPaths, Generation, make_reading, plan_run, planned_again
from vrft_eval.errors import InputError
from vrft_eval.evaluation import Evaluation
from vrft_eval.tasks import get_task

GENERATION = [
    ({"max_new_tokens": 8}, "generation.max_new_tokens: 1024 then, 8 now"),
    ({"temperature": 0.7}, "generation.temperature: None then, 0.7 now"),
    ({"model_defaults": True}, "generation.model_defaults: None then, True now"),
    ({"dtype": "bfloat16"}, "generation.dtype: 'auto' then, 'bfloat16' now"),
    ({"min_pixels": 784}, "generation.min_pixels: None then, 784 now"),
    ({"max_pixels": 50176}, "generation.max_pixels: None then, 50176 now"),
    ({"constrain": "json"}, "generation.constrain: None then, 'json' now"),
]
PLAN = [
    ({"seed": 1}, "seed: 0 then, 1 now"),
    ({"limit": 1}, "limit: None then, 1 now"),
    ({"gate": "none"}, "gate: 'truth' then, 'none' now"),
    ({"model": "demo:sft"}, "model: "),
]
HARMLESS: list[dict[str, Any]] = [
    {"batch_size": 3},
    {"device": "cpu"},
    {"attention": "eager"},
    {"workers": 2},
    {"tensor_parallel": 2},
    {"max_model_len": 4096},
    {"gpu_memory": 0.5},
]


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., Evaluation]:
    """Plans the same run, but for what is changed."""
    write_coco(tmp_path / "data", images=True)

    def plan(generation: dict[str, Any] | None = None, model: str = "demo", **changed: Any) -> Evaluation:
        spec = get_task("detection")
        return plan_run(
            *(spec, model, tmp_path / "run"),
            paths=DataPaths(tmp_path / "data"),
            generation=Generation("transformers", **(generation or {})),
            reading=make_reading(spec, "norm1000", "default", None, resamples=0),
            **{"gate": "truth", **changed},
        )

    return plan


def begin(planned: Callable[..., Evaluation], **options: Any) -> Evaluation:
    evaluation = planned(**options)
    with evaluation.folder.held():
        evaluation.start()
    return evaluation


@pytest.mark.parametrize(("changed", "said"), GENERATION)
def test_another_way_to_draw_answers_is_refused(
    planned: Callable[..., Evaluation], changed: dict[str, Any], said: str
) -> None:
    begin(planned)
    with pytest.raises(InputError, match="holds a run with other settings") as refused:
        planned(generation=changed)
    assert said in str(refused.value)
    planned(generation=changed, new=True)


@pytest.mark.parametrize(("changed", "said"), PLAN)
def test_another_question_is_refused(planned: Callable[..., Evaluation], changed: dict[str, Any], said: str) -> None:
    begin(planned)
    with pytest.raises(InputError) as refused:
        planned(**changed)
    assert f"\n  {said}" in str(refused.value)


def test_another_prompt_or_gate_prompt_is_refused(planned: Callable[..., Evaluation], tmp_path: Path) -> None:
    begin(planned, gate="model")
    own = tmp_path / "own.txt"
    own.write_text("Find every {category}.", encoding="utf-8")
    with pytest.raises(InputError, match=r"\n  prompt: .*Detect all .* then, 'Find every \{category\}\.' now"):
        planned(gate="model", prompt=own)
    with pytest.raises(InputError, match=r"\n  gate_prompt: "):
        planned(gate="model", gate_prompt="gate-list")


def test_an_adapter_and_another_adapter_of_that_name_are_refused(
    planned: Callable[..., Evaluation], tmp_path: Path
) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}", encoding="utf-8")
    (adapter / "adapter_model.safetensors").write_bytes(b"one")
    begin(planned)
    with pytest.raises(InputError, match=r"\n  generation.lora: None then, [0-9a-f]{12} now$"):
        planned(generation={"lora": adapter})
    begin(planned, generation={"lora": adapter}, new=True)
    (adapter / "adapter_model.safetensors").write_bytes(b"two")
    with pytest.raises(InputError, match=r"\n  generation.lora: [0-9a-f]{12} then, [0-9a-f]{12} now$"):
        planned(generation={"lora": adapter})


@pytest.mark.parametrize("changed", HARMLESS)
def test_where_and_how_fast_may_change(planned: Callable[..., Evaluation], changed: dict[str, Any]) -> None:
    begin(planned)
    planned(generation=changed)


def test_a_run_of_an_older_version_is_read_continued_and_reported(planned: Callable[..., Evaluation]) -> None:
    folder = begin(planned).folder
    content = json.loads(folder.info_file.read_text(encoding="utf-8"))
    assert content.pop("sessions") == []
    for name in ("split", "categories", "labels", "left_out", "gate_map", "gate_prompt"):
        content["settings"].pop(name)
    content["settings"]["generation"] = {"do_sample": False, "max_new_tokens": 1024, "dtype": "auto"}
    folder.info_file.write_text(json.dumps(content), encoding="utf-8")
    folder.journal_file.write_bytes(b'{"id": "7:1", "completion": "No Objects", "finish": "stop", "tokens": 3}\n')
    assert folder.read_info().sessions == []
    assert set(planned().answers) == {"7:1"}
    assert planned_again(folder.path).settle().report.counts["answered"] == 1
