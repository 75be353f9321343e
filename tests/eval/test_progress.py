"""What is shown while a run goes on, on a terminal and elsewhere, and what --quiet leaves out."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from vrft_eval import progress
from vrft_eval.cli import app
from vrft_eval.progress import progress_of
from vrft_eval.tally import Tally


def test_elsewhere_there_is_a_line_each_quarter(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally(10)
    with progress_of("coco: boxes") as show:
        for number in range(10):
            tally.add(failed=number == 4)
            show(tally)
    said = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in said] == [f"coco: boxes: {count} of 10" for count in (3, 5, 8, 10)]
    assert ["1 failed" in line for line in said] == [False, True, True, True]


def test_elsewhere_there_is_a_line_a_minute_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("vrft_eval.progress.time.monotonic", lambda: now)
    lines = progress._Lines("coco")
    tally = Tally(1000, answered=400, clock=lambda: now)
    lines.show(tally)
    now = 59.0
    lines.say_after_silence()
    assert len(capsys.readouterr().err.splitlines()) == 1, "a run that is continued says at once how far it is"
    now = 60.0
    lines.say_after_silence()
    assert capsys.readouterr().err == "coco: 400 of 1000\n"
    now = 119.0
    lines.say_after_silence()
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_bar_whose_words_are_cut_where_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(progress, "err", Console(file=written, force_terminal=True, width=64, color_system=None))
    tally = Tally(400, headline=("mAP", 0.31234), clock=iter(range(1000)).__next__)
    with progress_of("coco") as show:
        for _ in range(100):
            tally.add(tokens=12345)
        show(tally)
    lines = [line for line in written.getvalue().splitlines() if "100 of 400" in line]
    assert lines
    assert "coco ━━━╸" in lines[-1]
    assert "0:05:00 left, mAP 0.312, 1.0/s" in lines[-1]
    assert lines[-1].rstrip().endswith("…")


@pytest.mark.parametrize("quiet", [False, True])
def test_quiet_leaves_the_table(tiny_model: Path, shapes: Callable[[str], Path], tmp_path: Path, quiet: bool) -> None:
    data = shapes("shapes-classification")
    options = ("--data", data, "--out", tmp_path / "run", "--device", "cpu", "--max-new-tokens", 4, "--limit", 4)
    command = ["run", "shapes-classification", "--model", tiny_model, *options, *(["--quiet"] if quiet else [])]
    result = CliRunner().invoke(app, [str(word) for word in command])
    assert result.exit_code == 0, result.output
    assert "accuracy" in result.stdout
    assert ("shapes-classification: 4 of 4" in result.stderr) is not quiet
    assert not quiet or result.stderr == ""


def test_what_failed_is_told_with_its_reason_and_asked_again_only_when_that_is_wished(
    tiny_model: Path, shapes: Callable[[str], Path], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(shapes("shapes-grounding"), data)
    image = sorted(data.rglob("*.png"))[2]
    whole = image.read_bytes()
    image.write_bytes(whole[: len(whole) // 2])
    options = ("--data", data, "--out", tmp_path / "run", "--device", "cpu", "--max-new-tokens", 4, "--sam", "none")
    command = [str(word) for word in ("run", "shapes-grounding", "--model", tiny_model, *options)]

    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    said = "1 samples failed and count as empty answers (1 x broken image: "
    assert said in " ".join(first.stdout.split())
    for name in ("report.md", "report.html"):
        assert said in (tmp_path / "run" / name).read_text(encoding="utf-8")

    image.write_bytes(whole)
    journal = tmp_path / "run" / "responses.jsonl"
    before = journal.read_bytes()
    assert CliRunner().invoke(app, command).exit_code == 0
    assert journal.read_bytes() == before
    again = CliRunner().invoke(app, [*command, "--retry-failed"])
    assert again.exit_code == 0
    assert "count as empty" not in again.stdout
    assert journal.read_bytes().startswith(before)
    assert len(journal.read_bytes().splitlines()) == 13
