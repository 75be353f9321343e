"""What is asked of the engine: bad prompts among good ones, forms, seeds, sizes, and calls that were given up."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image

from vllm_engine.engine_helpers import completions
from vrft_eval.backends import Backend, Constraint, Prompt, Sampling
from vrft_eval.errors import InputError
from vrft_eval.tasks.constraints import constraint_for

SHORT = Sampling(max_new_tokens=64)


def test_bad_prompts_fail_alone_and_say_why(engine: Backend, prompts: list[Prompt], tmp_path: Path) -> None:
    good, image = prompts[:10], prompts[0].image
    thin, broken = tmp_path / "thin.png", tmp_path / "broken.png"
    Image.new("RGB", (900, 2)).save(thin)
    broken.write_bytes(image.read_bytes()[:60])
    bad = {
        Prompt("thin", thin, "circle"): "900x2 can't be used: absolute aspect ratio must be smaller than 200",
        Prompt("broken", broken, "circle"): "broken image",
        Prompt("absent", tmp_path / "no.png", "circle"): "no such image",
        Prompt("long", image, "red circle " * 1500): "lower --max-pixels or --max-new-tokens, or raise --max-model-len",
        Prompt("marker", image, "an <|image_pad|> too many"): "stands for an image",
    }
    # Among the good ones, so that each is met while others are queued.
    mixed = [*good[:3], *bad, *good[3:]]
    answers = {answer.id: answer for answer in engine.answer(mixed, SHORT)}
    assert len(answers) == len(mixed)
    for prompt, reason in bad.items():
        assert answers[prompt.id].completion is None
        assert reason in (answers[prompt.id].error or "")
    alone = completions(engine.answer(good, SHORT))
    assert {prompt.id: answers[prompt.id].completion for prompt in good} == alone
    assert None not in alone.values()


def test_what_only_vllm_can_refuse_leaves_the_engine_whole(engine: Backend, prompts: list[Prompt]) -> None:
    before = completions(engine.answer(prompts[:6], SHORT))
    refused = list(engine.answer(prompts[:6], replace(SHORT, constraint=Constraint("regex", "("))))
    assert [answer.completion for answer in refused] == [None] * 6
    assert all("regex" in (answer.error or "") for answer in refused)
    assert completions(engine.answer(prompts[:6], SHORT)) == before


def test_a_call_that_is_given_up_leaves_nothing_behind(engine: Backend, prompts: list[Prompt]) -> None:
    before = completions(engine.answer(prompts[:6], SHORT))
    given_up = engine.answer(prompts, Sampling(max_new_tokens=200, temperature=1.0))
    assert len(list(islice(given_up, 2))) == 2
    given_up.close()  # type: ignore[attr-defined]
    assert completions(engine.answer(prompts[:6], SHORT)) == before


def test_an_answer_says_what_it_cost(engine: Backend, prompts: list[Prompt]) -> None:
    (cut,) = engine.answer(prompts[:1], Sampling(max_new_tokens=3))
    assert (cut.finish, cut.tokens) == ("length", 3)
    # vLLM keeps whole blocks of tokens, of 128 on a CPU: a long text is found again, with its image.
    long = replace(prompts[0], text="a red circle " * 40)
    first, again = (next(iter(engine.answer([long], SHORT))) for _ in range(2))
    assert first.completion == again.completion
    assert (again.prompt_tokens or 0) > (again.cached_tokens or 0) >= 16


def test_no_prompt_fits_beside_too_long_an_answer(engine: Backend, prompts: list[Prompt]) -> None:
    with pytest.raises(InputError, match="--max-new-tokens: leaves no room for a prompt: the engine takes 2048 tokens"):
        list(engine.answer(prompts[:1], Sampling(max_new_tokens=2048)))


def test_drawn_answers_depend_on_the_seed_and_not_on_the_company(engine: Backend, prompts: list[Prompt]) -> None:
    def drawn(some: list[Prompt], seed: int) -> dict[str, str | None]:
        return completions(engine.answer(some, replace(SHORT, temperature=1.0, seed=seed)))

    all_of_them = drawn(prompts[:12], seed=1)
    assert drawn(prompts[:12][::-1], seed=1) == all_of_them
    assert drawn(prompts[3:6], seed=1) == {prompt.id: all_of_them[prompt.id] for prompt in prompts[3:6]}
    assert drawn(prompts[:12], seed=2) != all_of_them


def test_a_model_that_says_nothing_of_drawing_is_asked_greedily(engine: Backend, prompts: list[Prompt]) -> None:
    own = completions(engine.answer(prompts[:6], replace(SHORT, model_defaults=True)))
    assert own == completions(engine.answer(prompts[:6], SHORT))


@pytest.mark.parametrize("kind", ["detection", "classification", "grounding"])
def test_a_regex_is_kept_to(kind: str, engine: Backend, prompts: list[Prompt]) -> None:
    constraint = constraint_for(kind, "regex")  # type: ignore[arg-type]
    drawn = Sampling(max_new_tokens=400, temperature=1.0, constraint=constraint)
    answers = list(engine.answer(prompts[:8], drawn))
    ended = [answer.completion or "" for answer in answers if answer.finish == "stop"]
    assert len(ended) >= 4
    assert all(re.fullmatch(constraint.text, text) for text in ended)


@pytest.mark.parametrize("kind", ["detection", "classification", "grounding"])
def test_a_schema_is_kept_to(kind: str, engine: Backend, prompts: list[Prompt]) -> None:
    constraint = constraint_for(kind, "json")  # type: ignore[arg-type]
    drawn = Sampling(max_new_tokens=400, temperature=1.0, constraint=constraint)
    answers = list(engine.answer(prompts[:8], drawn))
    ended = [json.loads(answer.completion or "") for answer in answers if answer.finish == "stop"]
    assert len(ended) >= 4
    for value in ended:
        if kind == "classification":
            assert isinstance(value, str)
        elif kind == "grounding":
            assert [type(number) for number in value] == [int] * 4
        else:
            assert all(item.keys() == {"Position", "Confidence"} and len(item["Position"]) == 4 for item in value)
