"""The distribution's Chromium, driven by Playwright, and pages that may do nothing but show what is in them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "eval"))  # its helpers write the data sets

from browser.reports import classification_report, detection_report, grounding_report

SCREENSHOTS = Path(__file__).parents[2] / "build" / "browser"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_kept: list[Path] = []


@dataclass
class Seen:
    """What went on beside the page itself: errors, violations of its policy, and what it asked for."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; skips where there is none. Its event loop runs as long, but in nobody else's tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is in the extra dev")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("no Chromium: install the distribution's package, or name the program in CHROMIUM")
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def detection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a report on boxes."""
    return detection_report(tmp_path_factory.mktemp("detection"))


@pytest.fixture(scope="session")
def classification(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a report on classes."""
    return classification_report(tmp_path_factory.mktemp("classification"))


@pytest.fixture(scope="session")
def grounding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a report on described boxes and masks."""
    return grounding_report(tmp_path_factory.mktemp("grounding"))


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a run's report; in the end nothing may have gone wrong, and nothing may have left the page's own files."""
    seen, contexts = Seen(), []

    def open_page(run: Path, address: str = "", *, dark: bool = False, width: int = 1280) -> Any:
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: seen.errors.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("requestfailed", lambda request: seen.errors.append(f"failed: {request.url[:200]}"))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto((run / "report.html").as_uri() + address)
        page.locator(".detail .top, .empty-note").first.wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert seen.errors == []
    left = [url for url in seen.requests if not url.startswith(("file:", "data:"))]
    assert left == []


@pytest.fixture
def keep() -> Callable[[Any, str], None]:
    """Keep a picture of a page in build/browser."""

    def screenshot(page: Any, name: str, **options: Any) -> None:
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=str(path), **options)
        assert path.stat().st_size > 10_000
        _kept.append(path)

    return screenshot


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say where the pictures are."""
    if _kept:
        terminalreporter.write_line(f"{len(_kept)} pictures of pages are in {SCREENSHOTS}")
