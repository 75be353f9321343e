"""What docs/training-data.md says of commands that can't be run without the data (tests/docs runs the others)."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import typer

from trainers.data.__main__ import convert_command, main, make_command

PAGE = (Path(__file__).parents[2] / "docs" / "training-data.md").read_text(encoding="utf-8")
COMMANDS = [line for line in PAGE.splitlines() if line.startswith("python -m trainers.data ") and "--data" in line]


def test_the_commands_want_only_the_data(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    assert len(COMMANDS) == 8
    for command in COMMANDS:
        arguments = shlex.split(command)[3:]
        code = main(arguments)
        said = capsys.readouterr()
        assert (code, said.out) == (2, "")
        assert said.err.startswith(f"error: {arguments[arguments.index('--data') + 1]}: ")
        assert "no such data folder" in said.err or "holds no ReasonSeg" in said.err


def test_every_option_is_on_the_page() -> None:
    for command in (make_command, convert_command):
        app = typer.Typer()
        app.command()(command)
        options = {name for option in typer.main.get_command(app).params for name in option.opts if name[:2] == "--"}
        assert len(options) > 5
        assert {
            option for option in options - {"--install-completion", "--show-completion"} if option not in PAGE
        } == set()
