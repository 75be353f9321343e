"""How report.html looks in a real browser: light and dark, its pictures and labels, and screenshots to keep."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_helpers import coco_document, completion, real_data, write_coco, write_lines
from PIL import Image, ImageDraw

from browser.reports import count, selected
from vrft_eval import commands
from vrft_eval.commands import DataPaths

Visit = Callable[..., Any]
Keep = Callable[..., None]
LOOKS: dict[str, dict[str, Any]] = {"light": {}, "dark": {"dark": True}, "narrow": {"width": 400}}


def test_light_and_dark(visit: Visit, detection: Path) -> None:
    page = visit(detection, dark=True)
    ground = "getComputedStyle(document.body).backgroundColor"
    dark, chart = page.evaluate(ground), page.locator("figure.chart canvas").first
    drawn = chart.evaluate("c => c.toDataURL()")
    page.locator("button.theme").click()
    light = page.evaluate(ground)
    assert light != dark
    assert chart.evaluate("c => c.toDataURL()") != drawn
    page.reload()
    assert page.evaluate(ground) == light
    assert visit(detection).evaluate(ground) == light


def test_labels_of_a_crowd_stay_apart_and_in_the_picture(visit: Visit, detection: Path) -> None:
    page = visit(detection)
    page.get_by_label("order").select_option("long")
    assert page.locator(".detail .frame g.p").count() == 40
    frame, *labels = page.evaluate(
        "['.detail .frame', '.detail .frame text'].flatMap(s => [...document.querySelectorAll(s)])"
        ".map(e => e.getBoundingClientRect()).map(r => [r.left, r.top, r.right, r.bottom])"
    )
    assert len(labels) > 8
    for k, (left, top, right, bottom) in enumerate(labels):
        assert left >= frame[0] - 1
        assert right <= frame[2] + 1
        assert bottom <= frame[3] + 5
        for left2, top2, right2, bottom2 in labels[:k]:
            # The boxes of glyphs are higher than what is drawn of digits.
            assert min(right, right2) - max(left, left2) < 1 or min(bottom, bottom2) - max(top, top2) < 6


def test_images_are_shown_from_where_they_lie_the_right_way_up(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vrft_eval.report.pictures.ROOM", 0)
    turns = range(1, 9)
    entries = [{"id": turn, "file_name": f"{turn}.jpg", "width": 200, "height": 100} for turn in turns]
    write_coco(tmp_path / "data", {**coco_document(), "images": entries, "annotations": []}, images=True)
    picture = Image.new("RGB", (200, 100), "white")
    ImageDraw.Draw(picture).rectangle((0, 0, 60, 30), fill="red")
    for turn in turns:
        exif = Image.Exif()
        exif[0x0112] = turn
        picture.save(tmp_path / "data" / "images" / f"{turn}.jpg", exif=exif, quality=95)
    rows = [{"id": f"{turn}:1", "completion": completion([], (200, 100), [])} for turn in turns]
    answers = write_lines(tmp_path / "r.jsonl", rows)
    commands.score("detection", answers, tmp_path / "a run", paths=DataPaths(tmp_path / "data"), resamples=0)
    page = visit(tmp_path / "a run")
    for turn in turns:
        assert selected(page) == f"{turn}:1"
        page.locator(".detail svg.image image").evaluate("image => image.decode()")
        shot = np.asarray(Image.open(io.BytesIO(page.locator(".detail svg.image").screenshot())).convert("RGB"))
        corner, middle = (shot[len(shot) * y // 100, shot.shape[1] * x // 100] for x, y in ((8, 8), (50, 90)))
        assert corner[0] > 240 > 20 > corner[1], turn
        assert middle.min() > 240, turn
        page.keyboard.press("j")


@pytest.mark.parametrize("kind", ["detection", "classification", "grounding"])
def test_pictures_of_the_page_are_kept(visit: Visit, keep: Keep, request: pytest.FixtureRequest, kind: str) -> None:
    run = request.getfixturevalue(kind)
    for name, options in LOOKS.items():
        page = visit(run, **options)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        keep(page, f"report-{kind}-{name}", full_page=True)


def test_real_photos(visit: Visit, keep: Keep, tmp_path: Path) -> None:
    answers = Path(__file__).parents[1] / "parity" / "data" / "coco_tiny_detector.jsonl"
    data = real_data("coco_tiny")
    commands.score("coco", answers, tmp_path / "run", paths=DataPaths(data), resamples=0)
    page = visit(tmp_path / "run", "#show=partly&sort=high-reward", dark=True)
    assert count(page) == 123
    keep(page, "report-photos-dark")
