from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import write_coco
from typer.testing import CliRunner, Result

from vrft_eval.backends import Prompt, Sampling
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.cli import app
from vrft_eval.planning import TokenCount
from vrft_eval.provenance import find_model


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


def rows(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


@pytest.mark.parametrize("task", ["shapes-detection", "shapes-classification", "shapes-grounding"])
@pytest.mark.parametrize("most", [None, 4000])
def test_tokens_are_those_that_the_model_is_given(
    shapes: Callable[[str], Path], tmp_path: Path, task: str, most: int | None
) -> None:
    """Planned tokens of a prompt are what the backend counts when it is really asked."""
    run = call(
        *("run", task, "--model", "demo", "--data", shapes(task), "--limit", 2, "--max-new-tokens", 2),
        *("--backend", "transformers", "--out", tmp_path / "run", "--sam", "none"),
        *(() if most is None else ("--max-pixels", most)),
    )
    assert run.exit_code == 0, run.output
    lines = (tmp_path / "run" / "responses.jsonl").read_text(encoding="utf-8").splitlines()
    counted = [json.loads(line)["prompt_tokens"] for line in lines]
    options = () if most is None else ("--max-pixels", most)
    (row,) = rows(call("plan", task, "--data", shapes(task), "--limit", 2, "--model", "demo", *options))
    assert row == [task, "", "2", str(len(counted)), f"{sum(counted):,}", "-"]


def test_the_same_text_about_a_larger_image_is_more_tokens(tmp_path: Path) -> None:
    from PIL import Image

    count = TokenCount("demo")
    backend = TransformersBackend(find_model("demo"), device="cpu", batch_size=1)
    sizes = [(112, 112), (300, 40), (640, 480)]
    for size in sizes:
        path = tmp_path / "image.png"
        Image.new("RGB", size, "teal").save(path)
        (answer,) = backend.answer([Prompt("a", path, "a red circle")], Sampling(max_new_tokens=1))
        assert count.of("a red circle", size) == answer.prompt_tokens
    with pytest.raises(ValueError, match="aspect ratio"):
        count.of("a red circle", (900, 2))


def test_stages_of_each_gate_are_counted(tmp_path: Path) -> None:
    write_coco(tmp_path, images=True)

    def counted(*more: object) -> list[tuple[str, str]]:
        return [(row[1], row[3]) for row in rows(call("plan", "detection", "--data", tmp_path, *more))]

    assert counted() == [("", "2")]
    assert counted("--gate", "none") == [("", "6")]
    assert counted("--gate", "negatives") == [("", "3")]
    assert counted("--gate", "model") == [("gate", "6"), ("boxes", "2"), ("", "8")]
    assert counted("--gate", "model", "--gate-prompt", "gate-list") == [("gate", "2"), ("boxes", "2"), ("", "4")]
    assert counted("--gate", "none", "--limit", 1) == [("", "3")]


def test_without_a_rate_nothing_is_said_of_time_but_how_to_measure_it(tmp_path: Path) -> None:
    write_coco(tmp_path, images=True)
    result = call("plan", "detection", "--data", tmp_path)
    assert "--measured" in result.stdout
    assert "hours" not in result.stdout
    assert not list(tmp_path.glob("*.json*.lock"))


def test_hours_and_cost_follow_from_the_rate(tmp_path: Path) -> None:
    write_coco(tmp_path, images=True)
    asked = ("plan", "detection", "--data", tmp_path, "--gate", "none", "--rate", 6 / 7200)
    one = call(*asked, "--price", 3)
    assert "time: 2.00 hours;" in one.stdout
    assert "cost: 6.00 at 3" in one.stdout
    four = call(*asked, "--price", 3, "--workers", 4)
    assert "time: 30.0 minutes with 4 workers, 2.00 hours of one;" in four.stdout
    assert "cost: 6.00 at 3" in four.stdout


def test_a_measured_run_gives_the_rate_and_the_length_of_answers(
    tiny_model: Path, shapes: Callable[[str], Path], tmp_path: Path
) -> None:
    data, out = shapes("shapes-classification"), tmp_path / "run"
    done = call(
        *("run", "shapes-classification", "--model", tiny_model, "--data", data, "--limit", 4, "--out", out),
        *("--backend", "transformers", "--max-new-tokens", 5),
    )
    assert done.exit_code == 0, done.output
    (session,) = json.loads((out / "run.json").read_text(encoding="utf-8"))["sessions"]
    result = call("plan", "shapes-classification", "--data", data, "--measured", out)
    (row,) = rows(result)
    assert row[3] == "12"
    assert row[5] == f"{round(12 * session['answer_tokens'] / session['answered']):,}"
    assert f"rate: {4 / session['seconds']:.4g} prompts a second" in result.stdout


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--rate", "0"), "--rate: must be above 0, got 0.0"),
        (("--rate", "nan"), "--rate: must be above 0, got nan"),
        (("--rate", "1", "--measured", "run"), "--rate: can't be given with --measured"),
        (("--measured", "no-run"), "no-run: holds no run"),
        (("--model", "no/such/model/here"), "no such model folder"),
        (("--gate", "recorded"), "--gate: is for recorded answers only"),
        (("--gate", "nonsense"), "--gate: must be one of"),
    ],
)
def test_bad_options_are_one_line(tmp_path: Path, more: tuple[str, ...], message: str) -> None:
    write_coco(tmp_path, images=True)
    result = call("plan", "detection", "--data", tmp_path, *more)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_data_must_be_named() -> None:
    result = call("plan", "coco")
    assert result.exit_code == 2
    assert "--data: the data of coco must be named" in result.stderr


def test_a_run_that_asked_nothing_gives_no_rate(tmp_path: Path) -> None:
    write_coco(tmp_path / "data")
    (tmp_path / "answers.jsonl").write_text('{"id": "7:1", "completion": "x"}\n', encoding="utf-8")
    scored: Any = call(
        *("score", "detection", "--data", tmp_path / "data", "--responses", tmp_path / "answers.jsonl"),
        *("--out", tmp_path / "run"),
    )
    assert scored.exit_code == 0, scored.output
    result = call("plan", "detection", "--data", tmp_path / "data", "--measured", tmp_path / "run")
    assert result.exit_code == 2
    assert "records no rate" in result.stderr
