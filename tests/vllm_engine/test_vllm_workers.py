"""Two engines side by side."""

from __future__ import annotations

from vllm_engine.engine_helpers import completions
from vrft_eval.backends import Backend, Prompt, Sampling
from vrft_eval.backends.registry import load_backend
from vrft_eval.generation import Generation

GREEDY = Sampling(max_new_tokens=160)


def test_two_engines_answer_as_one(engine: Backend, prompts: list[Prompt]) -> None:
    alone = completions(engine.answer(prompts, GREEDY))
    workers = load_backend("demo", Generation("vllm", workers=2, batch_size=8))
    try:
        assert completions(workers.answer(prompts, GREEDY)) == alone
    finally:
        workers.close()
