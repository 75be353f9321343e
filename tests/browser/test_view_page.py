"""`vrft-eval view` in a real browser: a newer report takes the older one's place where the reader is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import completion, write_coco, write_lines
from typer.testing import CliRunner

from vrft_eval.cli import app

IMAGES = 60
PATIENCE = 60.0


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run over sixty images, of which every third answer is wrong."""
    root = tmp_path_factory.mktemp("viewed")
    sizes = {"width": 60, "height": 40}
    document: dict[str, Any] = {
        "images": [{"id": k, "file_name": f"{k}.png", **sizes} for k in range(1, IMAGES + 1)],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": k, "image_id": k, "category_id": 1, "bbox": [10, 10, 30, 20], "area": 600, "iscrowd": 0}
            for k in range(1, IMAGES + 1)
        ],
    }
    write_coco(root / "data", document, images=True)
    right, wrong = completion([[10, 10, 40, 30]], (60, 40), [0.9]), completion([], (60, 40), [])
    rows = [{"id": f"{k}:1", "completion": wrong if k % 3 else right} for k in range(1, IMAGES + 1)]
    responses = write_lines(root / "responses.jsonl", rows)
    command = ("score", "detection", "--data", root / "data", "--responses", responses, "--out", root / "run")
    result = CliRunner().invoke(app, [*map(str, command), "--gate", "truth"])
    assert result.exit_code == 0, result.output
    return root / "run"


def test_a_newer_report_keeps_the_readers_place(browser: Any, finished: Path, tmp_path: Path, keep: Any) -> None:
    run = tmp_path / "run"
    run.mkdir()
    lines = (finished / "responses.jsonl").read_bytes().splitlines(keepends=True)
    (run / "run.json").write_bytes((finished / "run.json").read_bytes())
    (run / "responses.jsonl").write_bytes(b"".join(lines[:30]))
    command = [sys.executable, "-c", "from vrft_eval.cli import main; main()", "view", str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found is not None
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            errors: list[str] = []
            page.on("console", lambda message: errors.append(message.text))
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(found[0])
            _shows(page, 30)
            report = page.frame_locator("iframe")
            report.get_by_role("button", name="wrong").first.click()
            report.locator("input[type=search]").fill("cat")
            _scroll(page, 700)
            before = _place(page)
            assert "show=wrong" in before[0]
            keep(page, "view")
            with (run / "responses.jsonl").open("ab") as stream:
                stream.write(b"".join(lines[30:]))
            _shows(page, 60)
            assert _place(page) == before
            assert report.locator("input[type=search]").input_value() == "cat"
            _until(page, f"location.hash === {json.dumps(before[0])}")
            # What the run's own command writes in the end is what is shown then.
            for name in ("report.json", "report.html"):
                (run / name).write_bytes((finished / name).read_bytes())
            _until(page, "document.getElementById('line').textContent === 'finished'")
            _until(page, "document.querySelector('iframe').src.includes('?report')")
            _until(page, "document.querySelectorAll('iframe').length === 1")
            assert _place(page) == before
            assert errors == []
            page.close()
        finally:
            process.terminate()


def _shows(page: Any, answered: int) -> None:
    _until(page, f"document.getElementById('shown').textContent === 'the page shows {answered} answered'")
    _until(page, "document.querySelector('iframe')?.style.visibility === ''")
    _until(page, "document.querySelectorAll('iframe').length === 1")


def _until(page: Any, condition: str) -> None:
    # The page's policy lets nothing of Playwright's own wait inside it.
    ends = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        assert time.monotonic() < ends, condition
        page.wait_for_timeout(50)


def _scroll(page: Any, down: int) -> None:
    page.evaluate("down => document.querySelector('iframe').contentWindow.scrollTo(0, down)", down)


def _place(page: Any) -> list[Any]:
    inside = "document.querySelector('iframe').contentWindow"
    found: list[Any] = page.evaluate(f"[{inside}.location.hash, {inside}.scrollY]")
    return found
