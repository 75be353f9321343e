"""The site builds without a warning, so no link is broken; it needs nothing from elsewhere; the citation is right."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from docs.blocks import ROOT

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""What a browser loads by itself."""


class Loads(HTMLParser):
    """Collects what a page makes a browser load from another place."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get(LOADED.get(tag, "")) or ""
        if re.match(r"(https?:)?//", address) and given.get("rel") != "canonical":
            self.elsewhere.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="the extra docs isn't installed")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_site_needs_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        assert loads.elsewhere == [], page


def test_the_reference_holds_every_public_name(site: Path) -> None:
    import vrft_rewards

    page = (site / "reference" / "vrft_rewards.html").read_text(encoding="utf-8")
    assert [name for name in vrft_rewards.__all__ if f'id="vrft_rewards.{name}"' not in page] == []


def test_every_file_that_the_readme_links_to_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    assert len(links) > 10
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []


def test_the_citation_is_of_this_project_and_of_the_paper() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    paper = cited["references"][0]
    assert (paper["title"], paper["identifiers"][0]["value"]) == (
        "Visual-RFT: Visual Reinforcement Fine-Tuning",
        "arXiv:2503.01785",
    )
    assert cited["version"] in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
