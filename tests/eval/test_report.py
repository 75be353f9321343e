from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import completion, write_coco, write_lines

from vrft_eval import commands
from vrft_eval.commands import DataPaths
from vrft_eval.evaluation import Evaluated
from vrft_eval.report.choose import choose
from vrft_eval.report.html import render_report
from vrft_eval.report.markdown import cell
from vrft_eval.report.visible import visible
from vrft_eval.run_lock import LOCK_FILE
from vrft_eval.schemas import FILES, read_file
from vrft_eval.tasks import Verdicts

HOSTILE = (
    '<think>"><script>alert(1)</script><img src=x onerror=alert(2)></think>'
    "<answer>[{'Position': [100, 100, 600, 600], 'Confidence': 0.9}]</style></script><svg onload=alert(3)>"
    "<!-- {{ 7*7 }} \u202egnp.exe\u2066 \x00\x1b[31m \U000e0041 javascript:alert(4) </answer>"
)


class Page(HTMLParser):
    """What a browser would make of the page: elements with attributes, and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)


def _score(folder: Path, rows: list[dict[str, str]], *, images: bool = True) -> Evaluated:
    write_coco(folder / "data", images=images)
    responses = write_lines(folder / "responses.jsonl", rows)
    return commands.score("detection", responses, folder / "run", paths=DataPaths(folder / "data"))


def _good() -> list[dict[str, str]]:
    return [
        {"id": "7:1", "completion": completion([[20, 10, 120, 60]], (200, 100), [0.9])},
        {"id": "9:2", "completion": completion([], (50, 50), [])},
    ]


def test_hostile_answers_are_shown_and_inert(tmp_path: Path) -> None:
    _score(tmp_path, [{"id": "7:1", "completion": HOSTILE}, *_good()[1:]])
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.scripts) == 1
    assert "alert" not in page.scripts[0]
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value is None or value.startswith("data:image/"), (tag, value)
        assert tag not in ("iframe", "object", "embed", "link", "base", "form"), tag
    assert not re.search("[\u202e\u2066\x00\x1b\U000e0041]", text)
    for shown in ("U+202E", "U+2066", "U+0000", "U+001B", "U+E0041", "&lt;script&gt;alert(1)", "{{ 7*7 }}"):
        assert shown in text
    policy = next(a["content"] for t, a in page.elements if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "'unsafe-inline'" not in policy.split("script-src")[1]


def test_hostile_category_names_are_inert_in_every_report(tmp_path: Path) -> None:
    from eval_helpers import coco_document

    document = coco_document()
    document["categories"][0]["name"] = "<script>alert(1)</script>|`x`\u202e"
    write_coco(tmp_path / "data", document, images=True)
    responses = write_lines(tmp_path / "responses.jsonl", _good())
    commands.score("detection", responses, tmp_path / "run", paths=DataPaths(tmp_path / "data"))
    page = Page((tmp_path / "run" / "report.html").read_text(encoding="utf-8"))
    assert len(page.scripts) == 1
    markdown = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "\u202e" not in markdown
    assert r"\<script\>alert(1)\</script\>\|\`x\`" in markdown


def test_the_page_holds_everything_it_shows(tmp_path: Path) -> None:
    evaluated = _score(tmp_path, _good())
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text.replace("/*! https://github.com/leeoniya/uPlot", "")  # whose chart it is
    assert text.count("data:image/png;base64,") == 2
    for shown in (
        "0.90 · IoU 1.00",
        "I look.",
        "No Objects",
        "1 of 1 objects found",
        "mAP",
        "AR100",
        "No ground truth",
    ):
        assert shown in text
    assert f"{evaluated.report.metrics['mAP']:.3f}" in text


def test_a_missing_image_leaves_an_empty_frame_and_a_note(tmp_path: Path) -> None:
    _score(tmp_path, _good(), images=False)
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "2 of the images could not be read" in text
    assert text.count("<rect class=") == 6
    assert "data:image" not in text


def test_every_file_of_a_run_fits_its_schema(tmp_path: Path) -> None:
    _score(tmp_path, _good())
    run = tmp_path / "run"
    assert sorted(entry.name for entry in run.iterdir()) == [
        LOCK_FILE,
        *("predictions.json", "report.html", "report.json", "report.md", "responses.jsonl", "run.json"),
    ]
    for name in ("run", "predictions", "report"):
        read_file(FILES[name], run / f"{name}.json")
    for line in (run / "responses.jsonl").read_bytes().splitlines():
        FILES["response"].model_validate(json.loads(line))


def test_the_report_has_the_promised_shape(tmp_path: Path) -> None:
    _score(tmp_path, _good())
    report: dict[str, Any] = json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    assert report["metrics"]["mAP"] == pytest.approx(0.5)
    assert report["per_category"]["bus"]["mAP"] is None
    assert report["rewards"]["parts"].keys() == {"iou", "confidence", "format"}
    assert report["rewards"]["mean"] == pytest.approx((3 + 1) / 2, abs=0.1)
    assert report["counts"]["answered"] == 2
    assert report["gate"] == "recorded"


def test_two_runs_of_the_same_answers_are_the_same_but_for_the_time(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        _score(tmp_path / name, _good())
        report = json.loads((tmp_path / name / "run" / "report.json").read_text(encoding="utf-8"))
        del report["created"]
        texts.append(report)
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("task", "answer", "shown"),
    [
        ("shapes-classification", "<think>Red.</think><answer>no such flower</answer>", "no class of the set"),
        ("shapes-grounding", "<think>There.</think><answer>(100,100),(600,600)</answer>", "IoU 0"),
    ],
)
def test_the_other_kinds_have_pages_too(
    tmp_path: Path, shapes: Callable[[str], Path], task: str, answer: str, shown: str
) -> None:
    folder = shapes(task)
    keys = (
        [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.png"))]
        if task == "shapes-classification"
        else [path.stem for path in sorted(folder.rglob("*.png"))]
    )
    responses = write_lines(tmp_path / "r.jsonl", [{"id": key, "completion": answer} for key in keys[1:]])
    evaluated = commands.score(task, responses, tmp_path / "run", paths=DataPaths(folder))
    assert evaluated.report.counts["unanswered"] == 1
    assert any("1 samples have no answer" in note for note in evaluated.report.notes)
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert shown in text
    assert text.count("<article") == 12


def test_the_samples_shown_are_a_mix(tmp_path: Path) -> None:
    evaluated = _score(tmp_path, _good())
    right = [item for item in evaluated.judged if item.outcome == "right"]
    wrong = [item for item in evaluated.judged if item.outcome == "wrong"]
    chosen = choose(Verdicts.of(right * 500 + wrong * 3), 10)
    assert len(chosen) == 10
    assert sum(item.outcome == "wrong" for item in chosen) == 3


def test_the_page_counts_every_outcome_and_not_only_those_it_shows(tmp_path: Path) -> None:
    evaluated = _score(tmp_path, _good())
    right, wrong = (next(item for item in evaluated.judged if item.outcome == name) for name in ("right", "wrong"))
    judged = Verdicts.of([right] * 700 + [wrong] * 300)
    text = render_report(evaluated.report, judged, evaluated.measures, evaluated.info)
    assert re.search(r"<span>right</span>.*<span class=\"n\">700</span>", text)
    assert re.search(r"<span>wrong</span>.*<span class=\"n\">300</span>", text)
    assert "<span>partly</span>" in text
    assert text.count("<article") == 200


def test_long_answers_are_cut_and_the_rest_counted() -> None:
    text = str(visible("a" * 20_000))
    assert "12,000 more characters" in text
    assert len(str(visible("\u202e\u2066" * 1_000_000))) < 20_000
    assert len(str(visible("a\u202e" * 1_000_000))) < 20_000


def test_a_cell_stays_one_line() -> None:
    assert cell("a\nb | c") == r"a b \| c"
