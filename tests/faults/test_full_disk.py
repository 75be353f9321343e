"""A disk that takes no more, a folder that may not be written: one clear message, and nothing answered is lost."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faults.fault_helpers import MAIN, command, lines, process, report_of
from vrft_eval.cli import app
from vrft_eval.errors import InputError
from vrft_eval.files import write_atomic

# The system's own limit on the size of a file stands in for a full disk: a write is cut short, then refused.
LIMITED = """
import resource, sys
size = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit on Windows")
def test_a_disk_that_fills_up_costs_no_answer(tmp_path: Path, data: Path, uninterrupted: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(uninterrupted, out)
    for name in ("report.json", "report.md", "report.html", "predictions.json"):
        (out / name).unlink()
    journal = out / "gate.jsonl"
    kept = lines(journal)[:-2]
    kept[0] = kept[0].rstrip(b"\n") + b" " * (out / "run.json").stat().st_size + b"\n"  # the longest of the files
    journal.write_bytes(b"".join(kept))
    space = journal.stat().st_size + 40

    full = process(LIMITED + MAIN, space, *command(data, out))
    assert full.returncode == 2
    said = [line for line in full.stderr.splitlines() if line.startswith("error: ")]
    assert said == [
        f"error: {journal}: cannot be written: File too large; what is there already is kept, and the same command "
        "continues from there"
    ]
    assert "Traceback" not in full.stderr
    assert journal.stat().st_size == space, "the last line was cut short"
    assert lines(journal)[:-1] == kept

    continued = CliRunner().invoke(app, command(data, out))
    assert continued.exit_code == 0, continued.output
    assert report_of(out) == report_of(uninterrupted)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that not even root may write to")
def test_a_folder_that_may_not_be_written_is_one_line(data: Path) -> None:
    result = CliRunner().invoke(app, command(data, Path("/proc/run")))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: /proc/run/.lock: cannot be written: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_line(tmp_path: Path, data: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        result = CliRunner().invoke(app, command(data, tmp_path / "run"))
    finally:
        tmp_path.chmod(0o755)
    assert result.exit_code == 2
    assert "cannot be written: Permission denied" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match=r"report\.json: cannot be written: (Not a directory|File exists)"):
        write_atomic(tmp_path / "file" / "report.json", "{}")
