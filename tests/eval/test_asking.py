"""What is written once for every backend: answers kept, engines started again, runs stopped that go wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from vrft_eval.asking import Asking
from vrft_eval.backends import Answer, EngineDied, Prompt, Sampling
from vrft_eval.errors import InputError, RunStopped
from vrft_eval.schemas import Session
from vrft_eval.tally import Tally

PROMPTS = [Prompt(str(number), Path("a.png"), "Where is it?") for number in range(30)]


class Engine:
    """Answers in turn; fails on some ids, dies after some numbers of answers, and notes what it was asked."""

    name = "transformers"

    def __init__(self, *, failing: Iterable[int] = (), dies_after: Iterable[int] = (), mend: bool = True) -> None:
        self.failing, self.deaths, self.mend = {str(number) for number in failing}, list(dies_after), mend
        self.asked: list[str] = []
        self.given = 0
        self.restarts = 0

    def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
        for prompt in prompts:
            if self.deaths and self.given == self.deaths[0]:
                self.deaths.pop(0)
                raise EngineDied("CUDA error:\nan illegal memory access")
            self.asked.append(prompt.id)
            if prompt.id in self.failing:
                yield Answer(prompt.id, None, "too long")
            else:
                yield Answer(prompt.id, "text", tokens=2, prompt_tokens=10, cached_tokens=4)
            self.given += 1

    def restart(self) -> None:
        self.restarts += 1
        if not self.mend:
            raise InputError("no such GPU")

    def close(self) -> None:
        pass


def ask(
    engine: Engine, folder: Path, answers: dict[str, Answer] | None = None, max_failures: int | None = None
) -> list[Session]:
    """Ask all that isn't in `answers`; returns what was recorded of the session."""
    recorded: list[Session] = []
    folder.mkdir(exist_ok=True)
    known = {} if answers is None else answers
    left = [prompt for prompt in PROMPTS if prompt.id not in known]
    asking = Asking(lambda: engine, recorded.append, max_failures)
    try:
        asking.ask(left, Sampling(), folder / "responses.jsonl", known, total=len(PROMPTS))
    finally:
        assert recorded, "a session is recorded however it ends"
        ids = [json.loads(line)["id"] for line in (folder / "responses.jsonl").read_bytes().splitlines()]
        assert len(ids) == len(set(ids))
        assert set(ids) <= set(known)
    return recorded


def test_a_session_is_counted(tmp_path: Path) -> None:
    (session,) = ask(Engine(failing=[3]), tmp_path)
    assert (session.asked, session.answered, session.failed, session.restarts) == (30, 29, 1, 0)
    assert (session.prompt_tokens, session.cached_prompt_tokens, session.answer_tokens) == (290, 116, 58)
    assert session.prompts_per_second is not None
    assert session.prompts_per_second > 0
    assert session.peak_memory_mb


def test_a_dead_engine_is_started_again_and_asked_only_what_is_left(tmp_path: Path) -> None:
    engine = Engine(dies_after=[4, 11])
    (session,) = ask(engine, tmp_path)
    assert engine.asked == [prompt.id for prompt in PROMPTS]
    assert (session.answered, session.restarts, engine.restarts) == (30, 2, 2)


def test_an_engine_that_dies_a_third_time_ends_the_run(tmp_path: Path) -> None:
    answers: dict[str, Answer] = {}
    with pytest.raises(RunStopped) as stopped:
        ask(Engine(dies_after=[4, 4, 9]), tmp_path, answers)
    assert str(stopped.value) == "the engine died again after 2 restarts: CUDA error: an illegal memory access"
    assert stopped.value.code == 1
    assert len(answers) == 9
    rest = Engine()
    ask(rest, tmp_path, answers)
    assert rest.asked == [prompt.id for prompt in PROMPTS[9:]]


def test_a_prompt_that_ends_the_engine_when_asked_alone_is_told_as_failed(tmp_path: Path) -> None:
    class Choosy(Engine):
        def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
            for prompt in prompts:
                if prompt.id in ("5", "29"):
                    raise EngineDied("out of\nmemory", alone=prompt.id)
                yield from super().answer([prompt], sampling)

    engine, answers = Choosy(), dict[str, Answer]()
    (session,) = ask(engine, tmp_path, answers)
    assert answers["5"] == Answer("5", None, "the engine died of it: out of memory")
    assert (session.answered, session.failed) == (28, 2)
    # After the last prompt there is nothing to start it for.
    assert (session.restarts, engine.restarts) == (1, 1)
    assert len(engine.asked) == 28


def test_an_engine_that_cannot_be_started_again_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(RunStopped, match=r"the engine died \(CUDA.*\) and can't be started again: no such GPU"):
        ask(Engine(dies_after=[4], mend=False), tmp_path)


def test_a_run_that_goes_wrong_is_stopped(tmp_path: Path) -> None:
    engine = Engine(failing=[2, 5, 7])
    with pytest.raises(RunStopped, match=r"2 prompts failed \(--max-failures\); the last: too long"):
        ask(engine, tmp_path, max_failures=2)
    assert engine.asked[-1] == "5"


def test_twenty_failures_at_the_beginning_end_a_run_and_later_ones_do_not(tmp_path: Path) -> None:
    engine = Engine(failing=range(30))
    with pytest.raises(RunStopped, match="the first 20 prompts all failed; the last: too long"):
        ask(engine, tmp_path / "first")
    assert len(engine.asked) == 20
    (session,) = ask(Engine(failing=range(1, 30)), tmp_path / "later")
    assert session.failed == 29


def test_a_run_without_one_answer_is_an_error_now_and_later(tmp_path: Path) -> None:
    asking = Asking(lambda: Engine(failing=range(3)), lambda session: None)
    answers: dict[str, Answer] = {}
    for left in (PROMPTS[:3], []):
        with pytest.raises(RunStopped, match="none of 3 prompts could be answered; the first: too long"):
            asking.ask(left, Sampling(), tmp_path / "responses.jsonl", answers, total=3)


def test_an_answer_that_comes_twice_counts_once(tmp_path: Path) -> None:
    class Twice(Engine):
        def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
            for answer in super().answer(prompts, sampling):
                yield answer
                yield Answer(answer.id, "another text")

    answers: dict[str, Answer] = {}
    (session,) = ask(Twice(), tmp_path, answers)
    assert session.answered == 30
    assert {answer.completion for answer in answers.values()} == {"text"}


def test_a_disk_that_can_not_be_synced_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that syncs has no one to tell but the loop that asks."""

    class Patient(Engine):
        def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
            while True:
                yield from super().answer(prompts, sampling)

    def refused(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vrft_eval.runs.os.fsync", refused)
    monkeypatch.setattr("vrft_eval.asking._SYNC_SECONDS", 0.001)
    many = [Prompt(str(number), Path("a.png"), "?") for number in range(1_000_000)]
    asking = Asking(Engine, lambda session: None)
    with pytest.raises(InputError, match=r"responses\.jsonl: cannot be written: No space left on device"):
        asking.ask(many, Sampling(), tmp_path / "responses.jsonl", {}, total=len(many))


def test_the_rate_is_that_of_the_last_minute() -> None:
    now = 0.0
    tally = Tally(1000, clock=lambda: now)
    for _ in range(100):
        now += 1.0
        tally.add(tokens=10)
    for _ in range(240):
        now += 0.5
        tally.add(tokens=10)
    assert tally.rates() == pytest.approx((2.0, 20.0))
    assert tally.left() == pytest.approx(330.0)


def test_the_rate_of_answers_that_come_in_lumps_is_that_of_a_whole_lump() -> None:
    now = 0.0
    tally = Tally(4096, clock=lambda: now)
    for lump in range(3):
        now = 300.0 * (lump + 1)
        for _ in range(1024):
            now += 0.0001
            tally.add()
    assert tally.rates()[0] == pytest.approx(1024 / 300, rel=0.01)


def test_answers_of_earlier_sessions_are_done_but_not_in_the_rate() -> None:
    now = 0.0
    tally = Tally(10, answered=6, clock=lambda: now)
    assert tally.left() is None
    now = 2.0
    tally.add()
    assert (tally.done, tally.rates()[0], tally.left()) == (7, 0.5, 6.0)
