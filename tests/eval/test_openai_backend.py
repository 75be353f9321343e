"""The openai backend against a real server whose good answers are a real model's, and which fails on purpose."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import openai_server as known
import pytest
from openai_server import Question, Script, asked_by, serving

from vrft_eval.backends import Answer, Constraint, Prompt, Sampling
from vrft_eval.backends.openai_backend import OpenAIBackend
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.demo import checkpoint
from vrft_eval.errors import InputError, RunStopped
from vrft_eval.generation import Server

KEY = "sk-not-to-be-seen"
GREEDY = Sampling(max_new_tokens=64)


@pytest.fixture(scope="module")
def prompts(shapes: Callable[[str], Path]) -> list[Prompt]:
    return known.demo_prompts(shapes("shapes-classification"), 8)


@pytest.fixture(scope="module")
def answers(prompts: list[Prompt]) -> dict[Question, Answer]:
    backend = TransformersBackend(checkpoint("rft"), device="cpu", batch_size=8)
    found = known.known_answers(prompts, list(backend.answer(prompts, GREEDY)))
    assert all(answer.completion for answer in found.values())
    return found


@contextmanager
def connected(script: Script, **options: object) -> Iterator[OpenAIBackend]:
    with serving(script):
        yield OpenAIBackend(known.MODEL, replace(Server(script.base_url, timeout=30.0), **options))  # type: ignore[arg-type]


def right(answer: Answer, prompt: Prompt, answers: dict[Question, Answer]) -> bool:
    return answer == replace(answers[asked_by(prompt)], id=prompt.id, cached_tokens=3)


def test_every_prompt_is_answered_once_and_no_more_at_a_time_than_allowed(
    prompts: list[Prompt], answers: dict[Question, Answer]
) -> None:
    taken = 0

    def stream() -> Iterator[Prompt]:
        nonlocal taken
        for prompt in prompts:
            taken += 1
            yield prompt

    # Four wait for one another in the server: all four are in flight, or nobody is answered.
    script = Script(answers, held=threading.Barrier(4))
    with connected(script, concurrency=4) as backend:
        coming = backend.answer(stream(), GREEDY)
        first = next(coming)
        assert taken <= 8
        found = [first, *coming]
    assert script.most_in_flight == 4
    assert len(found) == len(prompts)
    by_id = {answer.id: answer for answer in found}
    assert all(right(by_id[prompt.id], prompt, answers) for prompt in prompts)
    assert set(script.asked.values()) == {1}
    assert all(headers["authorization"] == "Bearer none" for headers in script.headers)


def test_passing_faults_are_tried_again(prompts: list[Prompt], answers: dict[Question, Answer]) -> None:
    faults = ["429", "500", "hang", "cut", "garbage", "error-200", "503"]
    plan = {asked_by(prompt): [fault] for prompt, fault in zip(prompts, faults, strict=False)}
    script = Script(answers, faults=plan)
    with connected(script, timeout=3.0, retries=1) as backend:
        found = {answer.id: answer for answer in backend.answer(prompts, GREEDY)}
    assert all(right(found[prompt.id], prompt, answers) for prompt in prompts)
    for prompt, fault in zip(prompts, [*faults, None], strict=True):
        assert script.asked[asked_by(prompt)] == (1 if fault is None else 2), fault
    refused, again = script.times[asked_by(prompts[0])]
    assert again - refused >= 1.0  # what Retry-After says


def test_lasting_faults_fail_their_own_prompt_with_the_reason(
    prompts: list[Prompt], answers: dict[Question, Answer], tmp_path: Path
) -> None:
    faults = {"429": "slow down", "500": "fails with 500", "hang": "no answer within 2 s", "cut": "broke off"}
    faults |= {"garbage": "can't be read", "error-200": "the provider is busy", "400": "fails with 400"}
    script = Script(answers, {asked_by(p): [fault] * 2 for p, fault in zip(prompts, faults, strict=False)})
    absent = Prompt("absent", tmp_path / "none.png", "What?")
    unsayable = replace(prompts[0], id="unsayable", text="a" + chr(0xD800))
    with connected(script, timeout=2.0, retries=1) as backend:
        found = {answer.id: answer for answer in backend.answer([*prompts, absent, unsayable], GREEDY)}
    for prompt, reason in zip(prompts, faults.values(), strict=False):
        answer = found[prompt.id]
        assert answer.completion is None
        assert reason in str(answer.error)
        assert "\n" not in str(answer.error)
    assert "no such image" in str(found["absent"].error)
    assert "surrogates not allowed" in str(found["unsayable"].error)
    assert right(found[prompts[-1].id], prompts[-1], answers)
    # A prompt that the server calls wrong is not worth another try.
    assert script.asked[asked_by(prompts[6])] == 1
    assert script.asked[asked_by(prompts[0])] == 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("401", "refuses the key, which is that of the environment variable SOME_KEY"),
        ("403", "refuses the key"),
        ("402", "wants to be paid"),
        ("quota", "wants to be paid"),
        ("no-vision", "takes no images"),
        ("temperature", "doesn't take temperature; --model-defaults"),
    ],
)
def test_what_every_prompt_would_meet_ends_at_once(
    fault: str, said: str, prompts: list[Prompt], answers: dict[Question, Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    script = Script(answers, always=fault)
    found: list[Answer] = []
    with connected(script, key_variable="SOME_KEY", concurrency=2) as backend, pytest.raises(InputError) as caught:
        found.extend(backend.answer(prompts, GREEDY))
    assert found == []
    assert said in str(caught.value)
    assert script.base_url in str(caught.value)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sum(script.asked.values()) <= 2
    assert all(headers["authorization"] == f"Bearer {KEY}" for headers in script.headers)


def test_a_wrong_model_is_told_with_the_nearest(prompts: list[Prompt], answers: dict[Question, Answer]) -> None:
    script = Script(answers, always="404")
    with serving(script):
        backend = OpenAIBackend("tinny", Server(script.base_url))
        with pytest.raises(InputError, match="has no such model; did you mean tiny"):
            list(backend.answer(prompts, GREEDY))
        script.lists = False
        backend = OpenAIBackend("tinny", Server(script.base_url))
        with pytest.raises(InputError, match="is --base-url right"):
            list(backend.answer(prompts, GREEDY))


def test_no_server_and_a_missing_key(
    prompts: list[Prompt], answers: dict[Question, Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    script = Script(answers, always="401")
    with connected(script, key_variable="SOME_KEY") as backend, pytest.raises(InputError, match="there is none in"):
        list(backend.answer(prompts, GREEDY))
    with pytest.raises(InputError, match="is the server running"):
        OpenAIBackend(known.MODEL, Server(script.base_url))
    monkeypatch.setenv("SOME_KEY", "sk-\u00fc")
    with pytest.raises(InputError, match="SOME_KEY") as caught:
        OpenAIBackend(known.MODEL, Server(script.base_url, "SOME_KEY"))
    assert "sk-" not in str(caught.value)


def test_the_budget_is_never_exceeded_and_what_it_paid_for_is_kept(
    prompts: list[Prompt], answers: dict[Question, Answer]
) -> None:
    each = max((answer.prompt_tokens or 0) + (answer.tokens or 0) for answer in answers.values())
    need = max(len(prompt.text.encode()) for prompt in prompts) + 64 + 64 + GREEDY.max_new_tokens
    for limit in (1, need, need + 3 * each, need + 100 * each):
        script = Script(answers)
        found: list[Answer] = []
        with connected(script, token_budget=limit, concurrency=3) as backend:
            coming = backend.answer(prompts, GREEDY)
            if limit < need + 8 * each:
                with pytest.raises(RunStopped, match="--token-budget"):
                    found.extend(coming)
                assert len(found) < len(prompts)
            else:
                found.extend(coming)
                assert len(found) == len(prompts)
                # A second stage of the same command has what the first one left.
                stages = itertools.chain.from_iterable(backend.answer(prompts, GREEDY) for _ in range(100))
                with pytest.raises(RunStopped, match="--token-budget"):
                    found.extend(stages)
        assert script.tokens <= limit
        assert len(found) == len(script.served)
        assert (limit == 1) == (not found)
        used = sum((answer.prompt_tokens or 0) + (answer.tokens or 0) for answer in found)
        assert used == script.tokens


def test_a_try_that_may_have_been_paid_for_counts_in_full(
    prompts: list[Prompt], answers: dict[Question, Answer]
) -> None:
    most = len(prompts[0].text.encode()) + 64 + 64 + GREEDY.max_new_tokens
    script = Script(answers, {asked_by(prompts[0]): ["cut", "cut", "cut"]})
    with (
        connected(script, token_budget=3 * most - 1, retries=5) as backend,
        pytest.raises(RunStopped, match="--token-budget"),
    ):
        list(backend.answer(prompts[:1], GREEDY))
    assert script.asked[asked_by(prompts[0])] == 2


def test_an_answer_that_is_not_wanted_any_more_stops_the_asking(
    prompts: list[Prompt], answers: dict[Question, Answer]
) -> None:
    script = Script(answers, {asked_by(prompts[1]): ["hang"]})
    with connected(script, concurrency=2) as backend:
        with closing(backend.answer(iter(prompts), GREEDY)) as coming:  # type: ignore[type-var]
            assert next(coming).id == prompts[0].id
        threads = [thread for thread in threading.enumerate() if "portal" in thread.name.lower()]
        assert threads == []
        assert sum(script.asked.values()) <= 3


def test_what_is_sent(prompts: list[Prompt], answers: dict[Question, Answer]) -> None:
    sent = {}
    ways = {
        "greedy": GREEDY,
        "drawn": replace(GREEDY, temperature=0.7, seed=3),
        "defaults": replace(GREEDY, model_defaults=True),
        "json": replace(GREEDY, constraint=Constraint("json", '{"type": "string"}')),
        "regex": replace(GREEDY, constraint=Constraint("regex", "a|b")),
    }
    for maker in ("a test", "vllm", "sglang"):
        script = Script(answers, maker=maker)
        with connected(script) as backend:
            for name, way in ways.items():
                if (maker, name) == ("a test", "regex"):
                    with pytest.raises(InputError, match="--constrain"):
                        list(backend.answer(prompts[:1], way))
                    continue
                list(backend.answer(prompts[:1], way))
                sent[maker, name] = script.bodies[-1]
    plain = sent["a test", "defaults"]
    assert set(plain) == {"model", "messages", "max_tokens"}
    assert plain["max_tokens"] == 64
    greedy = sent["a test", "greedy"]
    assert (greedy["temperature"], greedy["top_p"]) == (0.0, 1.0)
    assert 0 <= greedy["seed"] < 2**31
    assert sent["a test", "drawn"]["temperature"] == 0.7
    assert sent["a test", "drawn"]["seed"] != greedy["seed"]
    assert sent["a test", "json"]["response_format"]["json_schema"]["schema"] == {"type": "string"}
    assert "repetition_penalty" not in greedy
    assert (sent["vllm", "greedy"]["top_k"], sent["vllm", "greedy"]["repetition_penalty"]) == (-1, 1.0)
    assert sent["vllm", "regex"]["structured_outputs"] == {"regex": "a|b"}
    assert sent["vllm", "json"]["structured_outputs"]["json"] == '{"type": "string"}'
    assert sent["sglang", "regex"]["regex"] == "a|b"
    assert set(sent["vllm", "defaults"]) == set(plain)


def test_the_limits_new_name_is_taken_up(prompts: list[Prompt], answers: dict[Question, Answer]) -> None:
    script = Script(answers, always="renamed")
    with connected(script, retries=0, concurrency=1) as backend:
        found = list(backend.answer(prompts, GREEDY))
    assert all(answer.completion is not None for answer in found)
    assert sum(script.asked.values()) == len(prompts) + 1


def command(script: Script, folder: Path, *more: str) -> list[str]:
    return [
        *("run", "shapes-classification", "--data", str(folder), "--backend", "openai", "--model", known.MODEL),
        *("--base-url", script.base_url, "--max-new-tokens", "64", "--concurrency", "2", *more),
    ]
