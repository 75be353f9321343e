"""A model, an adapter or a memory that doesn't fit is told in one line, with what mends it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from vllm_engine.engine_helpers import agreement, completions, engines
from vrft_eval.backends import Prompt, Sampling
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.backends.vllm_backend import VLLMBackend
from vrft_eval.demo import checkpoint
from vrft_eval.errors import InputError

RANK, ALPHA = 8, 16
GREEDY = Sampling(max_new_tokens=160)


def write_adapter(folder: Path, pairs: dict[str, tuple[np.ndarray, np.ndarray]], rank: int = RANK) -> Path:
    """A LoRA adapter as PEFT writes it: by layer, its two matrices A (rank, in) and B (out, rank)."""
    folder.mkdir()
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": ALPHA,
        "target_modules": sorted({name.rpartition(".")[2] for name in pairs}),
        "bias": "none",
        "base_model_name_or_path": "demo",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    tensors = {}
    for name, (a, b) in pairs.items():
        tensors[f"base_model.model.{name}.lora_A.weight"] = np.ascontiguousarray(a, dtype=np.float32)
        tensors[f"base_model.model.{name}.lora_B.weight"] = np.ascontiguousarray(b, dtype=np.float32)
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def learnt() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The nearest matrices of a low rank to what reinforcement learning changed in the shipped model's layers."""
    before, after = (load_file(checkpoint(name) / "model.safetensors") for name in ("sft", "rft"))
    pairs = {}
    for name, weight in before.items():
        if name.startswith("model.layers.") and name.endswith("_proj.weight"):
            change = (after[name].astype(np.float64) - weight) * RANK / ALPHA
            u, s, v = np.linalg.svd(change)
            module = name.removesuffix(".weight").replace("model.layers", "model.language_model.layers")
            pairs[module] = (v[:RANK], u[:, :RANK] * s[:RANK])
    return pairs


@pytest.fixture(scope="module")
def merged(learnt: dict[str, tuple[np.ndarray, np.ndarray]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint with the adapter added to its weights by the definition of LoRA: W + alpha / r * B A."""
    folder = tmp_path_factory.mktemp("merged") / "model"
    shutil.copytree(checkpoint("sft"), folder)
    weights = {name: value.astype(np.float32) for name, value in load_file(folder / "model.safetensors").items()}
    for module, (a, b) in learnt.items():
        name = module.replace("model.language_model.layers", "model.layers") + ".weight"
        weights[name] += (ALPHA / RANK * (b @ a)).astype(np.float32)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture
def no_engine_left() -> Iterator[None]:
    before = {process.pid for process in engines()}
    yield
    assert {process.pid for process in engines()} == before


def test_an_adapter_answers_as_the_model_it_is_merged_into(
    learnt: dict[str, tuple[np.ndarray, np.ndarray]],
    merged: Path,
    prompts: list[Prompt],
    tmp_path: Path,
    no_engine_left: None,
) -> None:
    adapted = VLLMBackend(checkpoint("sft"), lora=write_adapter(tmp_path / "adapter", learnt))
    answers = completions(adapted.answer(prompts, GREEDY))
    adapted.close()
    expected = completions(TransformersBackend(merged, device="cpu").answer(prompts, GREEDY))
    without = completions(TransformersBackend(checkpoint("sft"), device="cpu").answer(prompts, GREEDY))
    assert agreement(answers, expected) >= 0.95
    assert agreement(without, expected) < 0.9


def test_an_adapter_of_another_model_is_refused_in_one_line(tmp_path: Path, no_engine_left: None) -> None:
    name = "model.language_model.layers.0.self_attn.q_proj"
    other = write_adapter(tmp_path / "other", {name: (np.zeros((RANK, 1536)), np.zeros((1536, RANK)))})
    with pytest.raises(InputError, match=r"the adapter can't be used with the model: RuntimeError: .*1536") as error:
        VLLMBackend(checkpoint("sft"), lora=other)
    assert "\n" not in str(error.value)


def test_too_high_a_rank_is_refused(tmp_path: Path) -> None:
    name = "model.language_model.layers.0.self_attn.q_proj"
    wide = write_adapter(tmp_path / "wide", {name: (np.zeros((600, 128)), np.zeros((128, 600)))}, rank=600)
    with pytest.raises(InputError, match="r: vLLM takes ranks up to 512, got 600"):
        VLLMBackend(checkpoint("sft"), lora=wide)


def test_an_unknown_kind_of_model_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint("rft"), folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | {"model_type": "qwen99"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(InputError, match=r"can't load the model|can't be loaded") as error:
        VLLMBackend(folder)
    assert "qwen99" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_without_vision_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint("rft"), folder, ignore=shutil.ignore_patterns("processor_config.json", "model.*"))
    config = {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    del tokenizer["processor_class"]
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(InputError, match="takes no images"):
        VLLMBackend(folder)


def test_too_long_a_context_is_named_with_its_option(no_engine_left: None) -> None:
    with pytest.raises(InputError, match="--max-model-len") as error:
        VLLMBackend(checkpoint("rft"), max_model_len=100_000)
    assert "\n" not in str(error.value)


def test_too_little_memory_is_named_with_what_mends_it(monkeypatch: pytest.MonkeyPatch, no_engine_left: None) -> None:
    """The cache of a whole prompt doesn't fit into what is left."""
    import vrft_eval.backends.vllm_engine as module

    monkeypatch.setattr(module, "_CPU_CACHE_BYTES", 2**20)
    with pytest.raises(InputError, match=r"KV cache.*--max-model-len") as error:
        VLLMBackend(checkpoint("rft"), gpu_memory=0.01)
    assert "\n" not in str(error.value)


def test_a_device_that_this_vllm_was_not_built_for_is_refused() -> None:
    with pytest.raises(InputError, match="--device: this vLLM was built for"):
        VLLMBackend(checkpoint("rft"), device="cuda:1")
