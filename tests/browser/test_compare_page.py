"""compare.html in a real browser: sort, filter, toggle; hostile answers stay text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from eval_helpers import completion, write_coco, write_lines
from typer.testing import CliRunner

from vrft_eval.cli import app

IMAGES = 24
HOSTILE = "<answer></script><script>alert(1)</script><img src=x onerror=alert(2)>\u202e</answer>"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs over cats and dogs: the second finds all cats, and says something hostile about each dog."""
    root = tmp_path_factory.mktemp("compared")
    document: dict[str, Any] = {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 60, "height": 40} for k in range(1, IMAGES + 1)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"id": k, "image_id": k, "category_id": 1 + k % 2, "bbox": [10, 10, 30, 20], "area": 600, "iscrowd": 0}
            for k in range(1, IMAGES + 1)
        ],
    }
    write_coco(root / "data", document, images=True)
    right, nothing = completion([[10, 10, 40, 30]], (60, 40), [0.9]), completion([], (60, 40), [])
    for name, cats, dogs in (("a", nothing, right), ("b", right, HOSTILE)):
        rows = [{"id": f"{k}:{1 + k % 2}", "completion": dogs if k % 2 else cats} for k in range(1, IMAGES + 1)]
        responses = write_lines(root / f"{name}.jsonl", rows)
        _invoke("score", "detection", "--data", root / "data", "--responses", responses, "--out", root / name)
    _invoke("compare", root / "a", root / "b", "--html", root / "compare.html")
    return root / "compare.html"


def _invoke(*arguments: object) -> None:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 420)])
def test_the_page_sorts_filters_toggles_and_leads_into_the_reports(
    browser: Any, compared: Path, keep: Any, scheme: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    errors: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append("a dialog"))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(compared.as_uri())
    keep(page, f"compare-{scheme}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    table = page.get_by_role("region", name="category")
    first = table.locator("tbody tr").first
    table.get_by_role("button", name="B - A").click()
    assert first.locator("td").first.text_content() == "cat"
    table.get_by_role("button", name="B - A").click()
    assert first.locator("td").first.text_content() == "dog"

    shown = page.locator("article:visible")
    assert shown.count() == IMAGES
    page.get_by_role("button", name="worse").click()
    assert shown.count() == IMAGES // 2
    assert "<script>alert(1)</script>" in shown.first.text_content()
    page.locator("select.category").select_option("cat")
    assert shown.count() == 0
    page.get_by_role("button", name="all").click()
    assert page.locator(".found").text_content() == f"{IMAGES // 2} of {IMAGES}"
    page.get_by_role("searchbox").fill("24:1")
    assert shown.count() == 1
    assert shown.first.locator("rect.a").count() == 0
    assert shown.first.locator("rect.b:visible").count() == 2  # with its halo
    page.get_by_label("B", exact=True).uncheck()
    assert shown.first.locator("rect.b:visible").count() == 0

    shown.get_by_role("link", name="in its report").last.click()
    page.wait_for_url("**/b/report.html#sample=24%3A1")
    page.get_by_text("24:1").first.wait_for()
    assert errors == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    context.close()
