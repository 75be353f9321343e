"""What a person, a pipe and a script meet at the terminal: errors, exit codes, JSON, widths, colours, completion."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from eval_helpers import completion, write_coco, write_lines
from typer.testing import CliRunner, Result

from vrft_eval.check.models import CheckReport
from vrft_eval.cli import app
from vrft_eval.cli_group import EXIT_CODES
from vrft_eval.compare.models import Comparison
from vrft_eval.planned import PlannedRun
from vrft_eval.schemas import Report
from vrft_eval.tasks import TASKS

MAIN = [sys.executable, "-c", "from vrft_eval.cli import main; main()"]


def call(*arguments: object, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data, answers and two runs."""
    root = tmp_path_factory.mktemp("terminal")
    write_coco(root / "data", images=True)
    write_lines(
        root / "r.jsonl",
        [
            {"id": "7:1", "completion": completion([[20, 10, 120, 60]], (200, 100), [0.9])},
            {"id": "9:2", "completion": completion([[5, 5, 25, 25]], (50, 50), [0.8])},
        ],
    )
    for name in ("one", "two"):
        assert call(*_score(root, name)).exit_code == 0
    return root


def _score(root: Path, name: str) -> list[object]:
    return ["score", "detection", "--data", root / "data", "--responses", root / "r.jsonl", "--out", root / name]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("rnu", "'run'"),
        ("score --responces x", "did you mean --responses?"),
        ("tasks reasonsg", "did you mean reasonseg?"),
        ("run coco --out x --model dmeo", "did you mean demo?"),
        ("run coco --out x --model demo:stf", "did you mean demo:sft"),
        ("run coco --out x --model demo --backend vlm", "did you mean vllm?"),
        ("run coco --out x --model demo --constrain jso", "did you mean json?"),
        ("run coco --out x --model demo --profile papr", "did you mean paper?"),
        ("run coco --out x --model demo --space norm100", "did you mean norm1000 or norm1?"),
        ("run coco --out x --model demo --engine cocotools", "did you mean pycocotools?"),
        ("run coco --out x --model demo --sam-mask bst", "did you mean best?"),
        ("run coco --out x --model demo --sam-dtype flot32", "did you mean float32"),
        ("run coco --out x --model demo --gate negative", "did you mean negatives?"),
        ("run coco --out x --model demo --against papre", "did you mean paper?"),
        ("run coco --out x --model demo --missing skpi", "did you mean skip?"),
        ("run coco --out x --model demo --data . --split val207", "did you mean val2017"),
        ("export x --to markdwn", "did you mean markdown?"),
    ],
)
def test_an_unknown_name_is_one_line_with_the_nearest(
    line: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(*line.split())
    assert result.exit_code == 2, result.output
    assert named in result.stderr
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


def test_an_unknown_category_is_one_line_with_the_nearest(place: Path) -> None:
    result = call(*_score(place, "three"), "--categories", "cta")
    assert result.exit_code == 2
    assert "did you mean cat?" in result.stderr


def test_a_folder_of_runs_names_the_runs_in_it(place: Path) -> None:
    assert "runs in it: one, two" in call("report", place).stderr


@pytest.mark.parametrize("line", ["score detection", "score", "run coco --limit x --model demo --out x", "--what"])
def test_a_wrong_command_line_points_to_the_help(line: str) -> None:
    result = call(*line.split())
    assert result.exit_code == 2
    (told,) = result.stderr.splitlines()
    assert told.endswith("--help`.")


def test_json_is_all_of_standard_output_and_fits_its_model(place: Path) -> None:
    data = ("--data", place / "data")
    models: list[tuple[list[object], Callable[[object], object]]] = [
        ([*_score(place, "one"), "--json"], Report.model_validate),
        (["report", place / "one", "--json"], Report.model_validate),
        (["compare", place / "one", place / "two", "--json"], Comparison.model_validate),
        (["check", "detection", *data, "--json"], CheckReport.model_validate),
        (["plan", "detection", *data, "--rate", 2, "--price", 3, "--json"], PlannedRun.model_validate),
    ]
    for arguments, validate in models:
        result = call(*arguments)
        assert result.exit_code == 0, result.output
        validate(json.loads(result.stdout))
    assert json.loads(call("report", place / "one", "--json").stdout) == json.loads(
        (place / "one" / "report.json").read_text(encoding="utf-8")
    )
    assert [row["task"] for row in json.loads(call("tasks", "--json").stdout)] == list(TASKS)


def test_run_as_json_is_a_report_or_a_list_of_them_and_progress_goes_elsewhere(
    tmp_path: Path, tiny_model: Path
) -> None:
    asked = ("--model", tiny_model, "--device", "cpu", "--max-new-tokens", 2, "--limit", 2, "--sam", "none", "--json")
    one = call("run", "shapes-grounding", "--out", tmp_path / "one", *asked)
    assert one.exit_code == 0, one.output
    assert Report.model_validate(json.loads(one.stdout)).task == "shapes-grounding"
    assert "shapes-grounding: 2 of 2" in one.stderr
    two = call("run", "shapes-grounding", "shapes-classification", "--out", tmp_path / "two", *asked)
    assert [report["task"] for report in json.loads(two.stdout)] == ["shapes-grounding", "shapes-classification"]


def test_nothing_is_wider_than_a_narrow_terminal_but_paths(place: Path) -> None:
    for arguments in (
        ["tasks"],
        ["tasks", "coco"],
        ["report", place / "one"],
        ["plan", "detection", "--data", place / "data", "--rate", 2],
        ["export", "--list"],
    ):
        done = call(*arguments, COLUMNS="60")
        assert done.exit_code == 0, done.stderr
        lines = [line for line in done.stdout.splitlines() if str(place) not in line and not line.startswith("time:")]
        assert max(map(len, lines)) <= 60
        assert "…" not in done.stdout


def test_a_pipe_gets_plain_text() -> None:
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    done = subprocess.run([*MAIN, "tasks"], capture_output=True, text=True, env=kept, check=True)
    assert "coco-novel15" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_no_color_keeps_colours_from_a_terminal() -> None:
    terminal = {"TERM": "xterm"}
    coloured, plain = (_on_a_terminal(["report", "nope"], terminal | more) for more in ({}, {"NO_COLOR": "1"}))
    # Bold is no colour: NO_COLOR leaves it.
    assert b"\x1b[1;31merror" in coloured
    assert b"\x1b[1merror" in plain


def _on_a_terminal(arguments: list[str], environment: dict[str, str]) -> bytes:
    leader, follower = os.openpty()
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen([*MAIN, *arguments], stdout=follower, stderr=follower, env=kept | environment) as process:
        os.close(follower)
        found = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:  # Linux's way to say that the other end is closed
                break
            if not part:
                break
            found += part
        process.wait(timeout=60)
    os.close(leader)
    return found


def test_help_groups_the_options_and_points_to_the_exit_codes() -> None:
    text = call("run", "--help", COLUMNS="80").stdout
    panels = ["Model", "Data", "Generation", "Hardware and speed", "Server (--backend openai)", "Scoring", "Output"]
    places = [text.index(f"─ {panel} ─") for panel in panels]
    assert places == sorted(places)
    root = " ".join(call("--help", COLUMNS="80").stdout.split())
    assert " ".join(EXIT_CODES.split()) in root
    bare = call()
    assert bare.exit_code == 2
    assert "Commands" in bare.stdout


def test_completion_knows_tasks_profiles_backends_and_formats() -> None:
    for words, found in (
        ("vrft-eval run coco-n", "coco-novel15"),
        ("vrft-eval run coco --profile vis", "visual-rft"),
        ("vrft-eval run coco --backend tr", "transformers"),
        ("vrft-eval export run --to lat", "latex"),
        ("vrft-eval comp", "compare"),
    ):
        number = str(len(words.split()) - 1)
        done = call(COMP_WORDS=words, COMP_CWORD=number, _VRFT_EVAL_COMPLETE="complete_bash")
        assert found in done.stdout.split(), (words, done.output)
    assert "--install-completion" in call("--help").stdout


def test_a_reader_that_goes_is_no_error() -> None:
    command = " ".join(["exec", f"'{sys.executable}'", "-c", "'from vrft_eval.cli import main; main()'", "tasks"])
    script = f"set -o pipefail; ({command}) | true"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("number", "code", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_being_stopped_is_one_line_and_the_shells_exit_code(
    tmp_path: Path, number: signal.Signals, code: int, name: str
) -> None:
    # The answers come from a pipe that nobody writes to, so that the command waits for as long as it is let.
    write_coco(tmp_path / "data", images=True)
    os.mkfifo(tmp_path / "r.jsonl")
    command = [*MAIN, *map(str, _score(tmp_path, "run"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        held = _wait_until_it_reads(process.pid, tmp_path / "r.jsonl")
        try:
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
            os.close(held)
    assert (process.returncode, stdout) == (code, "")
    assert stderr.splitlines() == [f"error: stopped by {name}"]
    assert not (tmp_path / "run").exists()


def _wait_until_it_reads(process: int, fifo: Path) -> int:
    """A pipe can be opened for writing at once only when somebody is there who reads it.

    It stays open (a writer that goes would be an end of file) and is the caller's to close.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            held = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.02)
            continue
        # A signal between the opening and the reading would be told to Python only after the reading.
        time.sleep(0.5)
        return held
    raise AssertionError(f"process {process} never read its answers")
