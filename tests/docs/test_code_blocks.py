"""Every code block of the documentation is run, page by page, or says why not (`no-run: ...` on its fence).

Every page is followed in a copy of the folder that the start page leaves behind, so that the model starts once.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from docs.blocks import READ, ROOT, RUN, Block, Reader, blocks_of

START = ROOT / "docs" / "index.md"
PAGES = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page != START)]
FRAMEWORKS = ROOT / "docs" / "frameworks"
"""Each needs an environment of its own: `make test-frameworks` runs what these pages show."""


def runnable(page: Path) -> list[Block]:
    """The blocks that a test runs or reads."""
    return [block for block in blocks_of(page) if block.language in RUN | READ and block.reason is None]


def follow(page: Path, folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(folder)
    patch.syspath_prepend(str(folder))
    loaded = set(sys.modules)
    reader = Reader(folder)
    for block in runnable(page):
        reader.follow(block)
    for name in set(sys.modules) - loaded:  # two pages may have a my_reward.py
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of somebody who has followed the start page."""
    folder = tmp_path_factory.mktemp("start")
    with pytest.MonkeyPatch.context() as patch:
        follow(START, folder, patch)
    return folder


def test_the_start_page(started: Path) -> None:
    assert (started / "runs" / "first" / "report.html").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if runnable(page):
        folder = tmp_path / "reader"
        shutil.copytree(request.getfixturevalue("started"), folder, symlinks=True)
        follow(page, folder, monkeypatch)


def test_every_block_is_run_or_says_why_not() -> None:
    blocks = [block for page in (START, *PAGES) for block in blocks_of(page)]  # raises for code of no known kind
    run = sum(block.language in RUN | READ and block.reason is None for block in blocks)
    left = [block for block in blocks if block.reason is not None]
    assert [block.where for block in left if block.language not in RUN] == [], "output is never run: it needs no reason"
    assert run > 2 * sum(FRAMEWORKS not in block.page.parents for block in left) > 0
