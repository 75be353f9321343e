"""Two processes on one run folder: the second is told who has it, and a dead one has nothing."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from faults.fault_helpers import ROOT
from vrft_eval.cli import app
from vrft_eval.commands import DataPaths, Generation, SharedBackend, carry_out, make_reading, plan_run
from vrft_eval.errors import InputError
from vrft_eval.run_lock import LOCK_FILE, locked
from vrft_eval.runs import RunFolder
from vrft_eval.tasks import get_task

HOLDER = """
import sys
from pathlib import Path
from vrft_eval.runs import RunFolder
from vrft_eval.tasks import get_task
with RunFolder(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the folder."""
    whole = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(whole, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def _score(folder: Path, data: Path) -> Result:
    responses = folder / "answers.jsonl"
    truth = json.loads((data / "annotations.json").read_text(encoding="utf-8"))["annotations"][0]
    answer = {"id": f"{truth['image_id']}:{truth['category_id']}", "completion": "No Objects"}
    responses.write_text(json.dumps(answer) + "\n", encoding="utf-8")
    options = ("--data", str(data), "--responses", str(responses), "--out", str(folder / "run"))
    return CliRunner().invoke(app, ["score", "detection", *options])


def test_the_second_process_is_told_who_has_the_folder(tmp_path: Path, data: Path) -> None:
    with held(tmp_path / "run") as other:
        refused = _score(tmp_path, data)
        assert refused.exit_code == 2
        assert refused.stderr == (
            f"error: {tmp_path / 'run'}: is in use by process {other.pid} on {socket.gethostname()}; wait for it, "
            "or name another folder\n"
        )
        assert [entry.name for entry in (tmp_path / "run").iterdir()] == [LOCK_FILE]


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path, data: Path) -> None:
    with held(tmp_path / "run") as other:
        other.kill()
        other.wait()
        done = _score(tmp_path, data)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "run" / "report.json").is_file()


def test_a_process_that_began_at_the_same_time_is_refused_before_it_writes(tmp_path: Path, data: Path) -> None:
    spec = get_task("detection")
    evaluation = plan_run(
        *(spec, "demo", tmp_path / "run"),
        paths=DataPaths(data),
        generation=Generation(),
        reading=make_reading(spec, "norm1000", "default", None),
    )
    with held(tmp_path / "run"), pytest.raises(InputError, match="is in use by process"):
        carry_out(evaluation, SharedBackend("demo", Generation()).load)
    assert [entry.name for entry in (tmp_path / "run").iterdir()] == [LOCK_FILE]


def test_an_error_lets_go_of_the_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(RuntimeError), folder.held():
        raise RuntimeError
    with folder.held(), pytest.raises(InputError, match="is in use by process"), locked(tmp_path / "run"):
        pass


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"12", b"pid\nhost\n", b"9" * 5000 + b"\n" + b"h" * 5000])
def test_whatever_the_lock_file_says_the_message_is_one_short_line(tmp_path: Path, content: bytes) -> None:
    with locked(tmp_path):
        (tmp_path / LOCK_FILE).write_bytes(content)
        with pytest.raises(InputError) as error, locked(tmp_path):
            pass
    assert len(str(error.value)) < 300 + len(str(tmp_path))
    assert len(str(error.value).splitlines()) == 1
