"""`vrft-eval compare --html`: what the page shows, and that nothing in it runs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from eval_helpers import completion, write_coco, write_lines
from typer.testing import CliRunner

from vrft_eval.cli import app
from vrft_eval.compare import page as compare_page

IMAGES = 30
SIZE = (60, 40)
BOX = [10.0, 10.0, 40.0, 30.0]
HOSTILE = (
    "<think>\"><script>alert(1)</script></think><answer>[{'Position': [1, 2, 3, 4], 'Confidence': 0.9}]"
    "</style></script><img src=x onerror=alert(2)>{{ 7*7 }} \u202egnp.exe\x00</answer>"
)


class Page(HTMLParser):
    """Elements with attributes, texts of scripts, and all other text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._tag = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._tag = tag

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag == "script":
            self.scripts.append(data)
        elif self._tag != "style":
            self.text += data

    def of(self, tag: str, name: str) -> list[str]:
        return [value for found, attributes in self.elements if found == tag and (value := attributes.get(name))]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty images with a <b>cat</b>; `poor` misses every other one, `good` is hostile about the first two."""
    root = tmp_path_factory.mktemp("runs")
    document: dict[str, Any] = {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 60, "height": 40} for k in range(1, IMAGES + 1)],
        "categories": [{"id": 1, "name": "<b>cat</b>"}],
        "annotations": [
            {"id": k, "image_id": k, "category_id": 1, "bbox": [10, 10, 30, 20], "area": 600, "iscrowd": 0}
            for k in range(1, IMAGES + 1)
        ],
    }
    write_coco(root / "data", document, images=True)
    right, nothing = completion([BOX], SIZE, [0.9]), completion([], SIZE, [])
    answers = {
        "poor": {k: nothing if k % 2 else right for k in range(1, IMAGES + 1)},
        "good": dict.fromkeys(range(1, IMAGES + 1), right) | {1: HOSTILE, 2: HOSTILE},
    }
    for name, texts in answers.items():
        responses = write_lines(root / f"{name}.jsonl", [{"id": f"{k}:1", "completion": texts[k]} for k in texts])
        _invoke("score", "detection", "--data", root / "data", "--responses", responses, "--out", root / name)
    return root


def _invoke(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def _page(out: Path, *runs: Path) -> tuple[Page, Any]:
    found = json.loads(_invoke("compare", *runs, "--html", out, "--json"))
    return Page(out.read_text(encoding="utf-8")), found


def test_the_page_shows_what_the_json_says(runs: Path, tmp_path: Path) -> None:
    page, found = _page(tmp_path / "compare.html", runs / "poor", runs / "good")
    (pair,) = found["pairs"]
    gain = pair["metrics"]["mAP"]["difference"]
    assert f"{gain['value']:+.3f}" in page.text
    assert f"[{gain['interval']['low']:.3f}, {gain['interval']['high']:.3f}]" in page.text
    flips = pair["flips"]
    articles = [attributes for tag, attributes in page.elements if tag == "article"]
    assert [article["data-way"] for article in articles] == ["better"] * len(flips["better"]) + ["worse"] * len(
        flips["worse"]
    )
    assert (len(flips["better"]), len(flips["worse"])) == (14, 1)
    # Each with both answers on its own image, which is in the page once.
    assert sum(value.split()[0] == "view" for value in page.of("div", "class")) == 2 * len(articles)
    style = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert style.count("{background-image:url(data:image/") == 15
    assert page.text.count("No Objects") == 14
    assert "1 of 1 objects found" in page.text


def test_every_sample_links_to_its_place_in_both_reports(runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a b" / "c"
    folder.mkdir(parents=True)
    page, found = _page(folder / "compare.html", runs / "poor", runs / "good")
    links = [link for link in page.of("a", "href") if "#" in link]
    changed = [*found["pairs"][0]["flips"]["better"], *found["pairs"][0]["flips"]["worse"]]
    assert len(links) == 2 * len(changed)
    for key, name, link in zip(
        [key for key in changed for _ in range(2)], ["poor", "good"] * len(changed), links, strict=True
    ):
        path, _, place = link.partition("#sample=")
        assert (folder / unquote(path)).resolve() == (runs / name / "report.html").resolve()
        assert unquote(place) == key
        assert ":" not in link, link  # encoded, and no scheme


def test_hostile_answers_and_names_are_shown_and_inert(runs: Path, tmp_path: Path) -> None:
    page, _ = _page(tmp_path / "compare.html", runs / "poor", runs / "good")
    text = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert len(page.scripts) == 1
    assert "alert(" not in page.scripts[0]
    digest = base64.b64encode(hashlib.sha256(page.scripts[0].encode()).digest()).decode("ascii")
    (policy,) = page.of("meta", "content")[:1]
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag, attributes in page.elements:
        assert tag not in ("iframe", "object", "embed", "link", "base", "form", "img", "b cat"), tag
        assert not any(name.startswith("on") for name in attributes), tag
        assert not attributes.get("src"), tag
    assert not re.search("[\u202e\x00]", text)
    for shown in ("<script>alert(1)</script>", "onerror=alert(2)", "{{ 7*7 }}", "U+202E", "<b>cat</b>"):
        assert shown in page.text
    assert "https://" not in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_every_run_has_a_part_of_its_own_against_the_first(runs: Path, tmp_path: Path) -> None:
    page, found = _page(tmp_path / "compare.html", runs / "poor", runs / "good", runs / "poor")
    assert [pair["run"]["path"] for pair in found["pairs"]] == [str(runs / "good"), str(runs / "poor")]
    titles = [attributes["id"] for tag, attributes in page.elements if tag == "h2"]
    assert titles == ["title1", "title2"]
    assert "C against A" in page.text
    assert "None." in page.text  # nothing changed between a run and itself


def test_many_changes_are_shown_evenly_and_said_to_be_some(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_page, "MAX_FLIPS", 8)
    page, _ = _page(tmp_path / "compare.html", runs / "poor", runs / "good")
    ways = [attributes["data-way"] for tag, attributes in page.elements if tag == "article"]
    assert ways == ["better"] * 4 + ["worse"]
    assert "4 of 14 that got better and 1 of 1 that got worse are shown" in page.text


def _right_answers(task: str, folder: Path) -> dict[str, str]:
    if task == "shapes-classification":
        return {file.relative_to(folder).as_posix(): file.parent.name for file in sorted(folder.rglob("*.png"))}
    rows = [json.loads(line) for line in (folder / "grounding.jsonl").read_text(encoding="utf-8").splitlines()]
    side = 112
    boxes = {Path(row["image"]).stem: [round(1000 * value / side) for value in row["box"]] for row in rows}
    return {key: f"({box[0]},{box[1]}),({box[2]},{box[3]})" for key, box in boxes.items()}


@pytest.mark.parametrize(
    ("task", "wrong", "shown", "pictures"),
    [
        ("shapes-classification", "no such flower", "read as no class of the set", 0),
        ("shapes-grounding", "(0,0),(1,1)", "IoU 0.00", 24),
    ],
)
def test_the_other_kinds_have_pages_too(
    tmp_path: Path, shapes: Callable[[str], Path], task: str, wrong: str, shown: str, pictures: int
) -> None:
    right = _right_answers(task, shapes(task))
    for name, answers in (("a", dict.fromkeys(right, wrong)), ("b", right)):
        rows = [
            {"id": key, "completion": f"<think>So.</think><answer>{text}</answer>"} for key, text in answers.items()
        ]
        responses = write_lines(tmp_path / f"{name}.jsonl", rows)
        _invoke("score", task, "--data", shapes(task), "--responses", responses, "--out", tmp_path / name)
    page, found = _page(tmp_path / "compare.html", tmp_path / "a", tmp_path / "b")
    assert found["pairs"][0]["flips"]["better"] == list(right)
    assert shown in page.text
    assert len(page.of("svg", "viewbox")) == pictures
