"""The headline metric while a run goes on comes to what the report says of the same answers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from eval_helpers import completion

from vrft_eval.backends import Answer
from vrft_eval.commands import DataPaths, Generation, make_reading, plan_run
from vrft_eval.evaluated import evaluate
from vrft_eval.evaluation import Evaluation
from vrft_eval.running import Running
from vrft_eval.samples import Sample
from vrft_eval.tasks import get_task

TASKS = ("shapes-detection", "shapes-classification", "shapes-grounding")


def _answer(number: int, sample: Sample) -> Answer:
    """Right, a little off, wrong or failed, in turn."""
    if number % 7 == 6:
        return Answer(sample.id, None, "out of memory")
    if sample.kind == "classification":
        return Answer(sample.id, f"<answer>{sample.label if number % 3 else 'a spoon'}</answer>")
    width, height = sample.size
    boxes = sample.boxes + (number % 3) * 0.04 * min(width, height)
    if sample.kind == "grounding":
        whole = [round(value) for value in (boxes[0] * 1000 / [width, height, width, height]).tolist()]
        return Answer(sample.id, f"<answer>{whole}</answer>")
    return Answer(sample.id, completion(boxes, sample.size, [0.9 - 0.1 * (number % 4)] * len(boxes)))


@pytest.fixture(params=TASKS)
def evaluation(request: pytest.FixtureRequest, tmp_path: Path, shapes: Callable[[str], Path]) -> Evaluation:
    spec = get_task(request.param)
    planned = plan_run(
        *(spec, "demo", tmp_path / "run"),
        paths=DataPaths(shapes(request.param)),
        generation=Generation(),
        reading=make_reading(spec, "norm1000", "default", "none", resamples=0),
    )
    planned.answers = {sample.id: _answer(number, sample) for number, sample in enumerate(planned.samples)}
    return planned


@pytest.mark.parametrize("there", [0, 5])
def test_the_last_value_is_that_of_the_report(evaluation: Evaluation, there: int) -> None:
    answers = list(evaluation.answers.values())
    now = 0.0
    running = Running(evaluation.data, evaluation.samples, answers[:there], evaluation.reading, lambda: now)
    seen = []
    for answer in answers[there:]:
        now += 100.0
        seen.append(running.after(answer))
    with evaluation.folder.held():
        evaluation.start()
    assert evaluation.info is not None
    report = evaluate(
        evaluation.data,
        evaluation.samples,
        {answer.id: answer for answer in answers},
        evaluation.reading,
        evaluation.info,
        evaluation.gate,
    ).report
    assert seen[-1] is not None
    assert seen[-1][0] == report.headline
    assert seen[-1][1] == pytest.approx(report.metrics[report.headline], abs=1e-12)
    assert 0 < seen[-1][1] < 1
    assert len({value for value in seen if value is not None}) > 3


def test_the_last_answer_is_always_measured(evaluation: Evaluation) -> None:
    running = Running(evaluation.data, evaluation.samples, [], evaluation.reading, lambda: 0.0)
    seen = [running.after(answer) for answer in evaluation.answers.values()]
    assert seen[-1] is not None
    assert not any(seen[:-1])


def test_little_time_goes_into_it(evaluation: Evaluation) -> None:
    """A clock on which only judging and measuring takes time, and much: a second each. The last answer is apart."""
    now = 0.0
    given_so_far = 0

    def clock() -> float:
        nonlocal now
        now += 1.0
        return now

    running = Running(evaluation.data, evaluation.samples, [], evaluation.reading, clock)
    judge_all = evaluation.data.judge_all
    times: list[float] = []

    def noting(*given: object) -> object:
        if given_so_far != len(answers):
            times.append(now)
        return judge_all(*given)  # type: ignore[arg-type]

    evaluation.data.judge_all = noting  # type: ignore[method-assign,assignment]
    answers = list(evaluation.answers.values())
    for _ in range(20):
        for answer in answers:
            given_so_far += 1
            running.after(answer)
    assert len(times) > 3
    assert all(later - earlier >= 20 for earlier, later in pairwise(times))
