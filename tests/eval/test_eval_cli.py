from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from eval_helpers import coco_document, completion, write_coco, write_lines
from typer.testing import CliRunner, Result

from vrft_eval.cli import app
from vrft_eval.run_lock import LOCK_FILE
from vrft_eval.runs import FILES

ROOT = Path(__file__).parents[2]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    write_coco(tmp_path / "data", images=True)
    write_lines(
        tmp_path / "r.jsonl",
        [
            {"id": "7:1", "completion": completion([[20, 10, 120, 60]], (200, 100), [0.9])},
            {"id": "9:2", "completion": completion([[5, 5, 25, 25]], (50, 50), [0.8])},
        ],
    )
    return tmp_path


def _score(folder: Path, *more: object) -> Result:
    return call(
        *("score", "detection", "--data", folder / "data", "--responses", folder / "r.jsonl"),
        *("--out", folder / "run", *more),
    )


def test_score_prints_a_table_and_where_the_report_is(coco: Path) -> None:
    result = _score(coco)
    assert result.exit_code == 0, result.output
    assert "mAP" in result.stdout
    assert result.stdout.splitlines()[-1] == f"report: {coco / 'run' / 'report.html'}"
    assert {entry.name for entry in (coco / "run").iterdir()} == {*FILES, LOCK_FILE}
    report = json.loads((coco / "run" / "report.json").read_text(encoding="utf-8"))
    assert report["metrics"]["mAP"] == pytest.approx(1.0)


def test_scoring_again_with_other_answers_needs_new(coco: Path) -> None:
    assert _score(coco).exit_code == 0
    assert _score(coco).exit_code == 0
    write_lines(coco / "r.jsonl", [{"id": "7:1", "completion": "no"}])
    refused = _score(coco)
    assert refused.exit_code == 2
    assert "responses:" in refused.stderr
    assert _score(coco, "--new").exit_code == 0
    report = json.loads((coco / "run" / "report.json").read_text(encoding="utf-8"))
    assert report["metrics"]["mAP"] == 0.0
    assert any("were not asked" in note for note in report["notes"])


def test_a_gate_counts_what_is_not_answered_and_leaves_out_what_is_not_asked(coco: Path) -> None:
    write_lines(coco / "r.jsonl", [{"id": "7:1", "completion": "x"}, {"id": "9:3", "completion": "x"}])
    assert _score(coco, "--gate", "truth").exit_code == 0
    report = json.loads((coco / "run" / "report.json").read_text(encoding="utf-8"))
    assert report["counts"]["unanswered"] == 1
    assert any("1 recorded answers are to pairs that the gate leaves out" in note for note in report["notes"])


def test_report_makes_the_same_report_again_and_reads_another_space(coco: Path) -> None:
    _score(coco)
    first = (coco / "run" / "report.json").read_bytes()
    for name in ("report.json", "report.html", "report.md", "predictions.json"):
        (coco / "run" / name).unlink()
    assert call("report", coco / "run").exit_code == 0
    assert (coco / "run" / "report.json").read_bytes() == first
    assert call("report", coco / "run", "--space", "norm1", "--profile", "visual-rft").exit_code == 0
    again = json.loads((coco / "run" / "report.json").read_text(encoding="utf-8"))
    assert (again["space"], again["rewards"]["profile"]) == ("norm1", "visual-rft")
    assert again["metrics"]["mAP"] == 0.0


def test_report_refuses_data_that_changed(coco: Path) -> None:
    _score(coco)
    document = coco_document()
    document["annotations"][0]["bbox"] = [0, 0, 10, 10]
    write_coco(coco / "data", document)
    result = call("report", coco / "run")
    assert result.exit_code == 2
    assert "data:" in result.stderr


def test_run_asks_a_real_model_and_continues_where_it_was(
    tmp_path: Path, tiny_model: Path, shapes: Callable[[str], Path]
) -> None:
    command = (
        *("run", "shapes-detection", "--model", tiny_model, "--data", shapes("shapes-detection")),
        *("--out", tmp_path / "run", "--device", "cpu", "--max-new-tokens", 4, "--limit", 3),
    )
    result = call(*command)
    assert result.exit_code == 0, result.output
    info = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert info["settings"]["gate"] == "negatives"
    journal = (tmp_path / "run" / "responses.jsonl").read_bytes()
    lines = journal.splitlines(keepends=True)
    assert len(lines) >= 6

    (tmp_path / "run" / "responses.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:9])
    assert call(*command).exit_code == 0
    continued = (tmp_path / "run" / "responses.jsonl").read_bytes().splitlines(keepends=True)
    assert continued[:2] == lines[:2]
    assert sorted(continued) == sorted(lines)

    refused = call(*command, "--max-new-tokens", 5)
    assert refused.exit_code == 2
    assert "generation.max_new_tokens: 4 then, 5 now" in refused.stderr
    assert call(*command, "--batch-size", 1).exit_code == 0


def test_run_takes_several_tasks_and_generates_their_data(tmp_path: Path, tiny_model: Path) -> None:
    result = call(
        *("run", "shapes-classification", "shapes-grounding", "--model", tiny_model, "--out", tmp_path / "run"),
        *("--device", "cpu", "--max-new-tokens", 3, "--limit", 3, "--sam", "none", "--seed", 2),
    )
    assert result.exit_code == 0, result.output
    for task in ("shapes-classification", "shapes-grounding"):
        assert set(FILES) <= {entry.name for entry in (tmp_path / "run" / task).iterdir()}
        info = json.loads((tmp_path / "run" / task / "run.json").read_text(encoding="utf-8"))
        assert info["source"]["data"].startswith("data/")
    moved = (tmp_path / "run" / "shapes-grounding").rename(tmp_path / "moved")
    assert call("report", moved).exit_code == 0


def test_a_prompt_of_ones_own(tmp_path: Path, coco: Path, tiny_model: Path) -> None:
    prompt = tmp_path / "prompt.txt"
    command = (
        *("run", "detection", "--model", tiny_model, "--data", coco / "data", "--out", tmp_path / "run"),
        *("--device", "cpu", "--max-new-tokens", 2, "--prompt", prompt),
    )
    prompt.write_text("Where is it?", encoding="utf-8")
    refused = call(*command)
    assert refused.exit_code == 2
    assert "{category}" in refused.stderr
    assert not (tmp_path / "run").exists()
    prompt.write_text("Where is the {category}?\n", encoding="utf-8")
    assert call(*command).exit_code == 0
    info = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert info["settings"]["prompt"] == "Where is the {category}?"


Change = Callable[[Path], None]


def _write(name: str, text: str) -> Change:
    def change(folder: Path) -> None:
        (folder / name).write_text(text, encoding="utf-8")

    return change


BAD_SCORES: list[tuple[str, Change, list[str]]] = [
    ("r.jsonl: no such file", lambda folder: (folder / "r.jsonl").unlink(), []),
    ("r.jsonl: the file is empty", _write("r.jsonl", "\n"), []),
    ("r.jsonl:1: not JSON", _write("r.jsonl", "oops\n"), []),
    ("r.jsonl:1: id: unknown image, got '8:1'", _write("r.jsonl", '{"id": "8:1", "completion": ""}'), []),
    ("r.jsonl:1: id: unknown category, got '7:9'", _write("r.jsonl", '{"id": "7:9", "completion": ""}'), []),
    ("annotations.json:1: not JSON", _write("data/annotations.json", '{"images": ['), []),
    ("annotations.json: the file is empty", _write("data/annotations.json", ""), []),
    ("unknown coordinate space 'norm100'", lambda folder: None, ["--space", "norm100"]),
    ("profile: must be one of default", lambda folder: None, ["--profile", "best"]),
    ("--gate: must be one of none", lambda folder: None, ["--gate", "all"]),
    ("no such data folder", lambda folder: None, ["--data", "/no/such/folder"]),
]


@pytest.mark.parametrize(("expected", "change", "more"), BAD_SCORES)
def test_bad_input_to_score_is_one_line_and_writes_nothing(
    coco: Path, expected: str, change: Change, more: list[str]
) -> None:
    change(coco)
    result = _score(coco, *more)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert expected in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
    assert not (coco / "run").exists()


BAD_RUNS: list[tuple[str, Change, list[str]]] = [
    ("no such model folder", lambda folder: None, ["--model", "/no/such/model"]),
    ("there is no config.json", lambda folder: None, ["--model", "."]),
    ("a.png: no such image", lambda folder: (folder / "data" / "images" / "a.png").unlink(), []),
    ("a.png: not an image", _write("data/images/a.png", "x"), []),
    ("did you mean transformers?", lambda folder: None, ["--backend", "transformer"]),
    ("is for recorded answers only", lambda folder: None, ["--gate", "recorded"]),
    ("prompt.txt: no such file", lambda folder: None, ["--prompt", "/no/prompt.txt"]),
    ("device", lambda folder: None, ["--device", "toaster"]),
    ("dtype: must be one of", lambda folder: None, ["--dtype", "int4"]),
]


@pytest.mark.parametrize(("expected", "change", "more"), BAD_RUNS)
def test_bad_input_to_run_is_one_line_and_writes_nothing(
    coco: Path, tiny_model: Path, expected: str, change: Change, more: list[str]
) -> None:
    change(coco)
    command = ("run", "detection", "--model", tiny_model, "--data", coco / "data", "--out", coco / "run", *more)
    result = call(*command)
    assert result.exit_code == 2, result.output
    assert expected in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (coco / "run").exists()


def test_other_peoples_folders_are_left_alone(coco: Path) -> None:
    (coco / "run").mkdir()
    (coco / "run" / "thesis.tex").write_text("x", encoding="utf-8")
    assert _score(coco).exit_code == 2
    assert [entry.name for entry in (coco / "run").iterdir()] == ["thesis.tex"]


def test_tasks_schema_and_version(tmp_path: Path) -> None:
    assert "coco-novel15" in call("tasks").stdout
    assert call("--version").stdout.startswith("vrft-eval ")
    assert call("schema", "--out", tmp_path).exit_code == 0
    assert json.loads(call("schema").stdout).keys() == {path.name for path in tmp_path.iterdir()}
    unknown = call("run", "cocoo", "--model", "x", "--out", tmp_path / "run")
    assert unknown.exit_code == 2
    assert "did you mean coco" in unknown.stderr


def test_the_installed_command_says_what_is_wrong_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from vrft_eval.cli import main; main()", "score", "coco"]
    arguments = ["--data", str(tmp_path), "--responses", str(tmp_path / "r.jsonl"), "--out", str(tmp_path / "run")]
    done = subprocess.run(command + arguments, capture_output=True, text=True, cwd=ROOT, env=os.environ, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {tmp_path}: holds neither annotations/instances_val2017.json")
    assert "Traceback" not in done.stderr


def test_scoring_imports_no_torch(coco: Path) -> None:
    code = (
        "import sys; from vrft_eval import commands; from pathlib import Path;"
        f"p = Path({str(coco)!r}); paths = commands.DataPaths(p / 'data');"
        "commands.score('detection', p / 'r.jsonl', p / 'run', paths=paths);"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_a_broken_sam_shows_before_anything_is_asked_or_rewritten(
    tmp_path: Path, tiny_model: Path, shapes: Callable[[str], Path]
) -> None:
    data = shapes("shapes-grounding")
    broken = tmp_path / "sam"
    broken.mkdir()
    (broken / "config.json").write_text("{}", encoding="utf-8")
    command = ("run", "shapes-grounding", "--model", tiny_model, "--data", data, "--sam", broken)
    refused = call(*command, "--out", tmp_path / "run", "--device", "cpu")
    assert refused.exit_code == 2
    assert str(broken) in refused.stderr
    assert not (tmp_path / "run").exists()

    responses = write_lines(tmp_path / "r.jsonl", [{"id": "000001", "completion": "(1,1),(500,500)"}])
    score = ("score", "shapes-grounding", "--data", data, "--responses", responses, "--out", tmp_path / "run")
    assert call(*score).exit_code == 0
    before = {entry.name: entry.read_bytes() for entry in (tmp_path / "run").iterdir()}
    assert call("report", tmp_path / "run", "--sam", broken).exit_code == 2
    assert {entry.name: entry.read_bytes() for entry in (tmp_path / "run").iterdir()} == before
