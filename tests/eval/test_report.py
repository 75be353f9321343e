from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import coco_document, completion, write_coco, write_lines
from PIL import Image
from report_helpers import Page, read_page
from typer.testing import CliRunner

from vrft_eval import commands
from vrft_eval.cli import app
from vrft_eval.commands import DataPaths
from vrft_eval.evaluation import Evaluated
from vrft_eval.report import samples
from vrft_eval.report.html import render_report
from vrft_eval.report.markdown import cell
from vrft_eval.report.pictures import Pictures
from vrft_eval.run_lock import LOCK_FILE
from vrft_eval.schemas import FILES, read_file
from vrft_eval.tasks import Verdicts

HOSTILE = (
    '<think>"><script>alert(1)</script><img src=x onerror=alert(2)></think>'
    "<answer>[{'Position': [100, 100, 600, 600], 'Confidence': 0.9}]</style></script><svg onload=alert(3)>"
    "<!-- {{ 7*7 }} \u202egnp.exe\u2066 \x00\x1b[31m \U000e0041 javascript:alert(4) </answer>"
)


def _score(folder: Path, rows: list[dict[str, str]], *, images: bool = True) -> Evaluated:
    write_coco(folder / "data", images=images)
    responses = write_lines(folder / "responses.jsonl", rows)
    return commands.score("detection", responses, folder / "run", paths=DataPaths(folder / "data"))


def _good() -> list[dict[str, str]]:
    return [
        {"id": "7:1", "completion": completion([[20, 10, 120, 60]], (200, 100), [0.9])},
        {"id": "9:2", "completion": completion([], (50, 50), [])},
    ]


def test_hostile_answers_are_kept_and_inert(tmp_path: Path) -> None:
    _score(tmp_path, [{"id": "7:1", "completion": HOSTILE}, *_good()[1:]])
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.scripts) == 1
    assert "alert" not in page.scripts[0]
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes), tag
        assert attributes.get("src") is None, tag
        assert (attributes.get("href") or "#").startswith("#"), (tag, attributes)
        assert tag not in ("iframe", "object", "embed", "link", "base", "form", "img"), tag
    assert not re.search("[\u202e\u2066\x00\x1b\U000e0041]", text)
    assert not any(re.search("[<>&]", data) for data in page.data.values())
    row = page.samples["samples"][0]
    assert "".join(piece[1] for piece in row["text"]) == HOSTILE
    assert [piece[0] for piece in row["text"]] == [0, 1, 0, 2, 0]
    assert page.samples["names"]["202e"] == "RIGHT-TO-LEFT OVERRIDE"
    assert page.policy.startswith("default-src 'none'; img-src data:;")
    assert "'unsafe-inline'" not in page.policy.split("script-src")[1]


def test_hostile_category_names_are_inert_in_every_report(tmp_path: Path) -> None:
    document = coco_document()
    document["categories"][0]["name"] = "<script>alert(1)</script>|`x`\u202e"
    write_coco(tmp_path / "data", document, images=True)
    responses = write_lines(tmp_path / "responses.jsonl", _good())
    commands.score("detection", responses, tmp_path / "run", paths=DataPaths(tmp_path / "data"))
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert len(Page(text).scripts) == 1
    assert "\u202e" not in text
    markdown = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "\u202e" not in markdown
    assert r"\<script\>alert(1)\</script\>\|\`x\`" in markdown


def test_the_page_holds_everything_it_shows(tmp_path: Path) -> None:
    evaluated = _score(tmp_path, _good())
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text.replace("/*! https://github.com/leeoniya/uPlot", "")  # whose chart it is
    page = Page(text)
    assert [picture[:22] for picture in page.pictures] == ["data:image/png;base64,"] * 2
    for shown in ("mAP", "AR100", "No ground truth", f"{evaluated.report.metrics['mAP']:.3f}"):
        assert shown in text
    found, wrong = page.samples["samples"]
    assert (found["id"], found["keys"], found["truth"]) == ("7:1", ["right"], [20, 10, 120, 60])
    assert (found["boxes"], found["scores"], found["pairs"]) == ([20, 10, 120, 60], [0.9], [[1, 0, 1.0]])
    assert found["why"].startswith("1 of 1 objects found")
    assert wrong["keys"] == ["wrong", "missed"]
    around, prompts = page.samples["around"], page.samples["prompts"]
    whole = [around[0] + prompts[row["prompt"]] + around[1] for row in (found, wrong)]
    assert whole == [sample.prompt for sample in evaluated.judged.samples]


def test_a_box_that_matches_nothing_says_what_it_overlaps(tmp_path: Path) -> None:
    boxes: list[list[float]] = [[20, 10, 120, 60], [22, 10, 120, 60], [100, 40, 160, 90], [150, 70, 190, 90]]
    answer = completion(boxes, (200, 100), [0.9, 0.8, 0.7, 0.6])
    _score(tmp_path, [{"id": "7:1", "completion": answer}, {"id": "9:1", "completion": answer}])
    row, nothing = read_page(tmp_path / "run").samples["samples"]
    assert [[matched, truth] for matched, truth, _ in row["pairs"]] == [[1, 0], [0, 0], [0, 0], [0, -1]]
    assert row["pairs"][1][2] == pytest.approx(0.98, abs=0.01)
    assert row["keys"] == ["partly"]
    assert nothing["keys"] == ["wrong", "hallucinated"]


def test_a_missing_image_is_told(tmp_path: Path) -> None:
    _score(tmp_path, _good(), images=False)
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "2 of the images could not be read" in text
    assert Page(text).pictures == [None, None]
    assert "data:image" not in text


@pytest.mark.parametrize(("embed", "inside"), [(False, 1), (True, 4)])
def test_images_without_room_in_the_page_are_shown_from_where_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embed: bool, inside: int
) -> None:
    monkeypatch.setattr("vrft_eval.report.pictures.ROOM", 1000)
    document: dict[str, Any] = coco_document()
    names = ["a.png", "b c:#é.png", "turned.jpg", "scan.tif"]
    entries = [{"id": k, "file_name": name, "width": 60, "height": 40} for k, name in enumerate(names, start=1)]
    document |= {"images": entries, "annotations": []}
    write_coco(tmp_path / "data", document, images=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    noise = Image.effect_noise((60, 40), 90)
    noise.save(tmp_path / "data" / "images" / "b c:#é.png")
    noise.save(tmp_path / "data" / "images" / "turned.jpg", exif=exif)
    rows = [{"id": f"{k}:1", "completion": completion([], (60, 40), [])} for k in range(1, 5)]
    found = commands.score(
        "detection", write_lines(tmp_path / "r.jsonl", rows), tmp_path / "run", paths=DataPaths(tmp_path / "data")
    )
    pictures = Pictures(tmp_path / "run", embed)
    page = Page(render_report(found.report, found.judged, found.measures, found.info, pictures))
    shown = page.pictures
    assert [isinstance(entry, str) and entry.startswith("data:") for entry in shown] == [k < inside for k in range(4)]
    if embed:
        assert "img-src data:;" in page.policy
    else:
        assert "img-src data: 'self' file:;" in page.policy
        assert shown[1:] == ["../data/images/b%20c%3A%23%C3%A9.png", ["../data/images/turned.jpg", 6], None]


def test_an_image_whose_name_is_no_text_is_referred_to_all_the_same(tmp_path: Path) -> None:
    image = tmp_path / "caf\udce9 1.png"
    Image.new("RGB", (4, 4)).save(image, "PNG")
    assert Pictures(tmp_path, room=0).of([image]) == ["caf%E9%201.png"]


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
    ("task", "answer", "key"),
    [
        ("shapes-classification", "<think>Red.</think><answer>no such flower</answer>", "off_list"),
        ("shapes-grounding", "<think>There.</think><answer>(0,0),(1,1)</answer>", "missed"),
    ],
)
def test_the_other_kinds_have_pages_too(
    tmp_path: Path, shapes: Callable[[str], Path], task: str, answer: str, key: str
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
    keys_of = [row["keys"] for row in read_page(tmp_path / "run").samples["samples"]]
    assert keys_of[0][0] == "unanswered"
    assert all(key in found for found in keys_of[1:])
    assert len(keys_of) == 12


def test_samples_without_room_are_left_out_fairly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = _score(tmp_path, _good())
    right = [item for item in evaluated.judged if item.outcome == "right"]
    wrong = [item for item in evaluated.judged if item.outcome == "wrong"]
    monkeypatch.setattr(samples, "MOST", 10)
    judged = Verdicts.of(right * 500 + wrong * 3)
    text = render_report(evaluated.report, judged, evaluated.measures, evaluated.info)
    shown = Page(text).samples["samples"]
    assert [row["keys"][0] for row in shown] == ["right"] * 7 + ["wrong"] * 3
    assert "10 of 503 samples are in this page" in text
    monkeypatch.setattr(samples, "ROOM", 1500)
    smaller = render_report(evaluated.report, judged, evaluated.measures, evaluated.info)
    assert 1 <= len(Page(smaller).samples["samples"]) < 10


def test_of_a_sample_that_is_left_out_nothing_is_in_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated = _score(tmp_path, _good())
    monkeypatch.setattr(samples, "ROOM", 1)
    text = render_report(evaluated.report, evaluated.judged, evaluated.measures, evaluated.info)
    page = Page(text)
    assert "1 of 2 samples are in this page" in text
    assert [len(page.samples[name]) for name in ("samples", "prompts", "categories")] == [1, 1, 1]
    assert len(page.pictures) == 1


def test_the_page_holds_all_samples_and_counts_every_outcome(tmp_path: Path) -> None:
    evaluated = _score(tmp_path, _good())
    right, wrong = (next(item for item in evaluated.judged if item.outcome == name) for name in ("right", "wrong"))
    judged = Verdicts.of([right] * 700 + [wrong] * 300)
    text = render_report(evaluated.report, judged, evaluated.measures, evaluated.info)
    assert re.search(r"<span>right</span>.*<span class=\"n\">700</span>", text)
    assert re.search(r"<span>wrong</span>.*<span class=\"n\">300</span>", text)
    assert "<span>partly</span>" in text
    assert len(Page(text).samples["samples"]) == 1000


def test_long_texts_are_cut_and_the_rest_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "<think>" + "a" * 20_000 + "</think><answer>No Objects</answer>"
    _score(tmp_path, [{"id": "7:1", "completion": said}, *_good()[1:]])
    row = read_page(tmp_path / "run").samples["samples"][0]
    assert [piece[2:] for piece in row["text"]] == [[], [12_000], [], [], []]
    assert row["text"][3][1] == "No Objects"
    assert "Texts are cut after 8,000 characters" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_a_cell_stays_one_line() -> None:
    assert cell("a\nb | c") == r"a b \| c"


def test_embed_is_an_option_of_run_score_and_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    monkeypatch.setattr("vrft_eval.report.pictures.ROOM", 0)
    write_coco(tmp_path / "data", images=True)
    data, recorded = ("--data", tmp_path / "data"), ("--responses", write_lines(tmp_path / "r.jsonl", _good()))
    answered = ("--model", tiny_model, "--device", "cpu", "--max-new-tokens", 2, "--gate", "truth")
    commands_of = {
        "score": ("score", "detection", *data, *recorded, "--out", tmp_path / "score"),
        "report": ("report", tmp_path / "score"),
        "run": ("run", "detection", *data, *answered, "--out", tmp_path / "run"),
    }
    for name, words in commands_of.items():
        run = tmp_path / ("run" if name == "run" else "score")
        for more, inside in (((), False), (("--embed",), True)):
            done = CliRunner().invoke(app, [str(word) for word in (*words, *more)])
            assert done.exit_code == 0, done.output
            found = read_page(run).pictures
            assert [picture.startswith("data:") for picture in found] == [inside] * 2, name
