"""The openai backend against vLLM's own server with the shipped checkpoint, on this machine's CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from vllm_engine.engine_helpers import TASKS, planned
from vllm_engine.server import serve
from vrft_eval.backends import Answer, Constraint, Prompt, Sampling
from vrft_eval.backends.openai_backend import OpenAIBackend
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.demo import checkpoint
from vrft_eval.errors import InputError
from vrft_eval.generation import Generation, Server

MODEL = "shipped"
GREEDY = Sampling(max_new_tokens=256)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the shipped checkpoint."""
    log = tmp_path_factory.mktemp("serve") / "log"
    with serve(checkpoint("rft"), log, "--served-model-name", MODEL) as address:
        yield Server(f"{address}/v1", concurrency=8)


@pytest.fixture(scope="module")
def questions(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Prompt]:
    """What the three generated tasks ask of their images."""
    root, generation = tmp_path_factory.mktemp("questions"), Generation("transformers")
    return [prompt for task in TASKS for prompt in planned(task, shapes, root / task, generation).pending()]


def test_answers_are_those_of_transformers(server: Server, questions: list[Prompt]) -> None:
    served = {answer.id: answer for answer in OpenAIBackend(MODEL, server).answer(questions, GREEDY)}
    plain = {
        answer.id: answer for answer in TransformersBackend(checkpoint("rft"), device="cpu").answer(questions, GREEDY)
    }
    assert served.keys() == plain.keys() == {prompt.id for prompt in questions}
    assert all(answer.completion is not None for answer in served.values())
    same = [key for key in plain if served[key].completion == plain[key].completion]
    assert len(same) >= 0.95 * len(plain), f"{len(same)} of {len(plain)} answers are the same"
    for key in same:
        counted = (served[key].tokens, served[key].prompt_tokens, served[key].finish)
        assert counted == (plain[key].tokens, plain[key].prompt_tokens, plain[key].finish)


def test_what_vllm_refuses_is_told_apart(server: Server, questions: list[Prompt]) -> None:
    long = replace(questions[0], id="long", text="word " * 3000)
    found: dict[str, Answer] = {
        answer.id: answer for answer in OpenAIBackend(MODEL, server).answer([long, questions[0]], GREEDY)
    }
    assert "maximum context length" in str(found["long"].error)
    assert found[questions[0].id].completion is not None
    with pytest.raises(InputError, match=f"has no such model; did you mean {MODEL}"):
        list(OpenAIBackend("shiped", server).answer(questions[:1], GREEDY))


@pytest.mark.parametrize(("form", "text", "answer"), [("regex", "a{7}", "aaaaaaa"), ("json", '{"const": 7}', "7")])
def test_vllm_is_told_the_form_of_the_answers(
    form: Literal["regex", "json"], text: str, answer: str, server: Server, questions: list[Prompt]
) -> None:
    (found,) = OpenAIBackend(MODEL, server).answer(questions[:1], replace(GREEDY, constraint=Constraint(form, text)))
    assert found.completion == answer


def test_drawn_answers_are_drawn_by_the_seed(server: Server, questions: list[Prompt]) -> None:
    def drawn(seed: int) -> dict[str, str | None]:
        sampling = replace(GREEDY, temperature=2.0, seed=seed, max_new_tokens=16)
        return {answer.id: answer.completion for answer in OpenAIBackend(MODEL, server).answer(questions[:6], sampling)}

    assert drawn(1) == drawn(1) != drawn(2)
