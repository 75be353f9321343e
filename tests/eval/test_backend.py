from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from vrft_eval.backends import Prompt, Sampling
from vrft_eval.backends.replay import load_recorded
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.errors import InputError
from vrft_eval.provenance import find_model, model_fingerprint

SHORT = Sampling(max_new_tokens=8)


@pytest.fixture(scope="module")
def backend(tiny_model: Path) -> TransformersBackend:
    return TransformersBackend(tiny_model, device="cpu", batch_size=4)


@pytest.fixture
def prompts(tmp_path: Path) -> list[Prompt]:
    found = []
    for k in range(6):
        path = tmp_path / f"{k}.png"
        Image.new("RGB", (56 + 28 * k, 56), (40 * k, 90, 200 - 30 * k)).save(path)
        found.append(Prompt(str(k), path, "red circle " * (k + 1)))
    return found


def test_a_batch_answers_as_each_prompt_alone(backend: TransformersBackend, prompts: list[Prompt]) -> None:
    together = {answer.id: answer for answer in backend.answer(prompts, SHORT)}
    assert set(together) == {prompt.id for prompt in prompts}
    for prompt in prompts:
        (alone,) = backend.answer([prompt], SHORT)
        assert alone == together[prompt.id]
        assert alone.finish in ("stop", "length")
        assert alone.tokens is not None
        assert 0 < alone.tokens <= 8


def test_one_bad_image_or_prompt_fails_alone(
    backend: TransformersBackend, prompts: list[Prompt], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(prompts[0].image.read_bytes()[:60])
    thin = tmp_path / "thin.png"
    Image.new("RGB", (900, 2)).save(thin)
    bad = [
        Prompt("broken", broken, "red circle"),
        Prompt("absent", tmp_path / "no.png", "red circle"),
        Prompt("thin", thin, "red circle"),
        Prompt("marker", prompts[0].image, "an <|image_pad|> too many"),
    ]
    answers = {answer.id: answer for answer in backend.answer([*bad, *prompts], SHORT)}
    assert len(answers) == len(bad) + len(prompts)
    for prompt in bad:
        assert answers[prompt.id].completion is None
        assert answers[prompt.id].error
    assert all(answers[prompt.id].completion is not None for prompt in prompts)
    assert "no such image" in str(answers["absent"].error)


def test_an_answer_ends_at_the_token_limit(backend: TransformersBackend, prompts: list[Prompt]) -> None:
    (answer,) = backend.answer(prompts[:1], Sampling(max_new_tokens=3))
    assert (answer.tokens or 0) <= 3
    assert (answer.prompt_tokens or 0) > 3


def test_sampled_answers_are_drawn_by_the_seed(backend: TransformersBackend, prompts: list[Prompt]) -> None:
    def sampled(seed: int) -> dict[str, str | None]:
        drawn = backend.answer(prompts, Sampling(max_new_tokens=8, temperature=1.0, seed=seed))
        return {answer.id: answer.completion for answer in drawn}

    assert sampled(1) == sampled(1)
    assert sampled(1) != sampled(2)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("dtype", "int8"),
        ("batch_size", 0),
        ("device", "toaster"),
        ("lora", Path("/no/adapter")),
        ("attention", "sharp"),
    ],
)
def test_bad_options_are_refused(tiny_model: Path, option: str, value: object) -> None:
    with pytest.raises(InputError):
        TransformersBackend(tiny_model, **{option: value})  # type: ignore[arg-type]


def test_a_folder_that_holds_no_model_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="the model can't be loaded") as error:
        TransformersBackend(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["/no/such/model", "no/such/model", "./model", "demo:x", "model"])
def test_a_missing_model_is_named(name: str) -> None:
    with pytest.raises(InputError, match=r"no such model folder|must be one of demo, demo:rft, demo:sft"):
        find_model(name)


def test_a_model_on_the_hub_goes_by_its_name(tiny_model: Path) -> None:
    assert find_model("Qwen/Qwen2-VL-2B-Instruct") == "Qwen/Qwen2-VL-2B-Instruct"
    assert model_fingerprint("Qwen/Qwen2-VL-2B-Instruct") == "Qwen/Qwen2-VL-2B-Instruct"
    assert find_model(str(tiny_model)) == str(tiny_model)


def test_the_fingerprint_follows_the_weights(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"one")
    first = model_fingerprint(str(tmp_path))
    (tmp_path / "README.md").write_text("a card", encoding="utf-8")
    assert model_fingerprint(str(tmp_path)) == first
    weights.write_bytes(b"two")
    assert model_fingerprint(str(tmp_path)) != first


BAD_LINES = [
    ("not json", ":2: not JSON: Expecting value at column 1"),
    ("[1]", ":2: must be a JSON object"),
    ('{"completion": "x"}', ":2: id: must be text, got None"),
    ('{"id": "b"}', ":2: completion: must be text or a message list, got None"),
    ('{"id": "b", "completion": 3}', ":2: completion: must be text or a message list, got 3"),
    ('{"id": "z", "completion": "x"}', ":2: id: unknown image, got 'z'"),
    ('{"id": "a", "completion": "x"}', ":2: id: already answered on line 1, got 'a'"),
]


@pytest.mark.parametrize(("line", "expected"), BAD_LINES)
def test_a_bad_recorded_line_is_named(tmp_path: Path, line: str, expected: str) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text('{"id": "a", "completion": "x"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_recorded(file, lambda key: None if key in "ab" else "unknown image")
    assert f"{file}{expected}" in str(error.value)


def test_recorded_messages_and_lone_surrogates_become_text(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    message = [{"role": "assistant", "content": [{"type": "text", "text": "hi"}]}]
    rows = [{"id": "a", "completion": message, "score": 1}, {"id": "b", "completion": "\ud800"}]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    completions, digest = load_recorded(file, lambda key: None)
    assert completions == {"a": "hi", "b": "\\ud800"}
    assert len(digest) == 64
