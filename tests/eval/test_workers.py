"""Two processes with the shipped checkpoint each: they answer as one does, and a killed one is made good."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from vrft_eval.backends import Answer, Backend, EngineDied, Prompt, Sampling
from vrft_eval.backends.chunks import by_image, image_chunks
from vrft_eval.backends.registry import load_backend
from vrft_eval.backends.workers import Workers
from vrft_eval.commands import DataPaths, Generation, carry_out, make_reading, plan_run
from vrft_eval.demo.data import write_dataset
from vrft_eval.errors import InputError
from vrft_eval.evaluation import Evaluation
from vrft_eval.tasks import get_task

# One prompt a batch: how many are padded together must not be able to change an answer.
ONE = Generation("transformers", batch_size=1, device="cpu", max_new_tokens=160)
TWO = Generation("transformers", batch_size=1, device="cpu", max_new_tokens=160, workers=2)
IMAGES = 16


@pytest.fixture(scope="module")
def workers() -> Iterator[Backend]:
    backend = load_backend("demo", TWO)
    assert isinstance(backend, Workers)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "shapes"
    write_dataset("shapes-detection", folder, IMAGES, seed=3)
    return folder


def planned(data: Path, out: Path) -> Evaluation:
    spec = get_task("shapes-detection")
    reading = make_reading(spec, "norm1000", "default", None, resamples=0)
    return plan_run(spec, "demo", out, paths=DataPaths(data), generation=ONE, reading=reading)


class Dying:
    """The workers, of which one is killed when the first answers have come; counts what they are asked."""

    name = "transformers"

    def __init__(self, backend: Backend) -> None:
        self._backend, self.asked, self.restarts = backend, list[str](), 0

    def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
        prompts = list(prompts)
        self.asked += [prompt.id for prompt in prompts]
        for answer in self._backend.answer(prompts, sampling):
            if not self.restarts:
                for process in multiprocessing.active_children()[:1]:
                    os.kill(process.pid or 0, signal.SIGKILL)
            yield answer

    def restart(self) -> None:
        self.restarts += 1
        self._backend.restart()

    def close(self) -> None:
        self._backend.close()


def test_a_killed_worker_is_made_good(workers: Backend, data: Path, tmp_path: Path) -> None:
    alone = planned(data, tmp_path / "alone")
    carry_out(alone, lambda: load_backend("demo", ONE))
    run, dying = planned(data, tmp_path / "run"), Dying(workers)
    total = len(run.pending())
    report = carry_out(run, lambda: dying).report
    assert dying.restarts == 1
    lines = (tmp_path / "run" / "responses.jsonl").read_text(encoding="utf-8").splitlines()
    journal = {row["id"]: row["completion"] for row in map(json.loads, lines)}
    assert len(lines) == len(journal) == report.counts["answered"] == total
    assert journal == {key: answer.completion for key, answer in alone.answers.items()}
    # What was answered before is not asked again.
    assert total < len(dying.asked) < 2 * total


def test_the_prompts_of_an_image_are_in_one_chunk() -> None:
    prompts = [Prompt(f"{image}:{k}", Path(f"{image}.png"), "circle") for k in range(3) for image in range(10)]
    chunks = list(image_chunks(by_image(prompts), 8))
    assert sorted(prompt.id for chunk in chunks for prompt in chunk) == sorted(prompt.id for prompt in prompts)
    assert max(map(len, chunks)) <= 8
    assert sum(len({prompt.image for prompt in chunk}) for chunk in chunks) == 10


def test_closed_workers_say_that_they_are_gone() -> None:
    backend = Workers("demo", "transformers", TWO)
    backend.close()
    with pytest.raises(EngineDied):
        list(backend.answer([], Sampling()))


def test_what_a_worker_cannot_load_is_told_as_by_one_alone(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    before = {process.pid for process in multiprocessing.active_children()}
    with pytest.raises(InputError, match="the model can't be loaded"):
        load_backend(str(tmp_path), TWO)
    assert {process.pid for process in multiprocessing.active_children()} <= before
