"""The code blocks of the documentation, and how each kind is run."""

from __future__ import annotations

import doctest
import json
import os
import re
import runpy
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
RUN = {"python", "pycon", "sh", "console"}
READ = {"json", "yaml"}
SHOWN = {"text"}
_INFO = re.compile(r'(?P<language>\w+)(?: title="(?P<title>[\w./-]+)")?(?: no-run: (?P<reason>.+))?')
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """One fenced block. `reason` says why it isn't run; a block with a title is the file of that name."""

    page: Path
    line: int
    language: str
    text: str
    title: str | None
    reason: str | None

    @property
    def where(self) -> str:
        """Where it stands, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page in their order. Raises ValueError for code that isn't fenced or named."""
    found = []
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        if token.type not in ("fence", "code_block"):
            continue
        line = (token.map or [0])[0] + 1
        info = _INFO.fullmatch(token.info) if token.type == "fence" else None
        if info is None or info["language"] not in RUN | READ | SHOWN:
            raise ValueError(
                f"{page.relative_to(ROOT)}:{line}: needs a fence with a known language, got {token.info!r}"
            )
        found.append(Block(page, line, info["language"], token.content, info["title"], info["reason"]))
    return found


class Reader:
    """Follows one page as a reader would: every block in its order, in one folder, with one Python at hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {}
        binaries = str(Path(sys.executable).parent)
        self.environment = {
            **os.environ,
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "120",
            "HF_HUB_OFFLINE": "1",
            "NO_COLOR": "1",
        }
        if not (folder / ".venv").exists():
            (folder / ".venv").symlink_to(sys.prefix)

    def follow(self, block: Block) -> None:
        """Do what a block says; assert that what it shows is what happens."""
        if block.title is not None:
            file = self.folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        if block.language == "json":
            for document in block.text.splitlines() if str(block.title).endswith("l") else [block.text]:
                json.loads(document)
        elif block.language == "yaml":
            yaml.safe_load(block.text)
        elif block.language == "console":
            self._console(block)
        elif block.language == "sh":
            code, said = self._shell(block.text)
            assert code == 0, f"{block.where}: exit code {code}\n{said}"
        elif block.text.startswith(">>> "):
            self._doctest(block)
        elif block.language == "python" and block.title is None:
            self._python(block)

    def _python(self, block: Block) -> None:
        script = self.folder / f"block_{block.line}.py"
        script.write_text(block.text, encoding="utf-8")
        self.names = runpy.run_path(str(script), init_globals=self.names, run_name="__main__")

    def _doctest(self, block: Block) -> None:
        examples = doctest.DocTestParser().get_doctest(block.text, self.names, block.where, str(block.page), block.line)
        said: list[str] = []
        result = doctest.DocTestRunner(optionflags=_FLAGS).run(examples, out=said.append, clear_globs=False)
        assert result.failed == 0, "".join(said)
        self.names = examples.globs

    def _console(self, block: Block) -> None:
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            _, said = self._shell(command)
            same = doctest.OutputChecker().check_output(shown.strip(), said.strip(), _FLAGS)
            assert same, f"{block.where}: $ {command}\nshown:\n{shown}\nsaid:\n{said}"

    def _shell(self, script: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout
