"""report.html in a real browser: found, filtered, sorted, linked to, and quite inert."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from browser.reports import HOSTILE, classification_report, count, selected
from vrft_eval.compare.flips import sample_link

Visit = Callable[..., Any]


def first_ids(page: Any) -> list[str]:
    """The ids of the rows that are there, from the top."""
    rows: list[list[Any]] = page.eval_on_selector_all(
        ".item", "rows => rows.map(r => [Number(r.getAttribute('aria-posinset')), r.querySelector('.id').textContent])"
    )
    return [key for _, key in sorted(rows)]


def test_filters_show_what_they_say(visit: Visit, detection: Path) -> None:
    page = visit(detection)
    report = json.loads((detection / "report.json").read_text(encoding="utf-8"))
    assert count(page) == report["counts"]["samples"] > 30
    for chip in page.locator(".chip").all():
        key, number = chip.get_attribute("data-show"), int(chip.locator("span").inner_text())
        page.locator("[data-show=all]").click()
        chip.click()
        assert count(page) == number > 0, key
        assert chip.get_attribute("aria-pressed") == "true"
    page.locator("[data-show=all]").click()
    page.locator("[data-show=wrong]").click()
    wrong = count(page)
    assert page.locator(".detail .mark.wrong").is_visible()
    page.locator("[data-show=hallucinated]").click()
    assert 0 < count(page) < wrong
    assert page.locator(".detail td").get_by_text("nothing is there").first.is_visible()


def test_filters_of_different_outcomes_are_one_choice(visit: Visit, detection: Path) -> None:
    page = visit(detection)
    page.locator("[data-show=wrong]").click()
    page.locator("[data-show=right]").click()
    assert page.locator(".chip[aria-pressed=true]").count() == 1
    assert page.locator(".detail .mark.right").is_visible()


def test_sorting_and_searching(visit: Visit, detection: Path) -> None:
    page = visit(detection)
    for order, sign in (("low-reward", 1), ("high-reward", -1)):
        page.get_by_label("order").select_option(order)
        rewards = page.eval_on_selector_all(
            ".item",
            "rows => rows.sort((a, b) => a.getAttribute('aria-posinset') - b.getAttribute('aria-posinset'))"
            ".map(r => Number(r.querySelector('.figures b').textContent))",
        )
        assert len(set(rewards)) > 2
        assert [sign * value for value in rewards] == sorted(sign * value for value in rewards)
    page.keyboard.press("/")
    page.keyboard.type("i see NOTHING")
    assert 0 < count(page) < 10
    assert "q=i%20see%20NOTHING" in page.url
    assert page.locator(".detail .mark").get_by_text("unreadable").is_visible()
    page.get_by_label("search in").fill("no answer says this")
    assert page.locator(".empty-note").inner_text().startswith("No sample fits")
    page.get_by_label("search in").fill("")
    menu = page.locator(".tools").get_by_label("category")
    menu.select_option(index=1)
    name = menu.input_value()
    assert page.locator(".detail h3").inner_text() == name


def test_a_deep_link_shows_its_sample_and_back_goes_back(visit: Visit, classification: Path) -> None:
    ids = [row["id"] for row in json.loads((classification / "predictions.json").read_text(encoding="utf-8"))]
    wanted = ids[len(ids) // 2]
    page = visit(classification, f"#sample={quote(wanted, safe='')}")
    assert selected(page) == wanted
    assert page.locator(".browser").evaluate("e => Math.abs(e.getBoundingClientRect().top) < innerHeight / 2")
    assert page.locator(".item[aria-selected=true] .id").inner_text() == wanted
    page.locator("[data-show=wrong]").click()
    assert "show=wrong" in page.url
    page.locator(".item").nth(1).click()
    other = selected(page)
    assert other != wanted
    page.go_back()
    page.go_back()
    assert selected(page) == wanted
    assert page.locator("[data-show=wrong]").get_attribute("aria-pressed") == "false"
    page.go_forward()
    page.go_forward()
    assert selected(page) == other
    again = visit(classification, page.url[page.url.index("#") :])
    assert (selected(again), count(again)) == (other, count(page))


def test_a_link_to_a_sample_that_is_not_here_says_so(visit: Visit, detection: Path) -> None:
    page = visit(detection, "#sample=%E0%A4%A&q=%")
    assert "is not in this page" in page.locator(".detail").inner_text()
    nav = visit(detection)
    nav.get_by_role("link", name="Charts").click()
    assert nav.url.endswith("#charts")
    assert nav.locator(".detail h3").is_visible()


def test_a_file_name_that_is_no_text_is_a_sample_as_any_other(visit: Visit, tmp_path: Path) -> None:
    name = "not-\udcff-utf8.png"
    try:
        run = classification_report(tmp_path, name)
    except OSError:
        pytest.skip("this file system has no such names")
    ids = [row["id"] for row in json.loads((run / "predictions.json").read_text(encoding="utf-8"))]
    strange = next(one for one in ids if one.endswith(name))
    address = sample_link("", strange)
    assert address.endswith("not-%3F-utf8.png")
    page = visit(run, address)
    assert selected(page).endswith("not-U+DCFF-utf8.png")
    assert page.locator(".detail a.id").get_attribute("href") == address
    row = page.locator(".item[aria-selected=true]")
    row.click()
    assert page.url.endswith(address)
    page.locator(".item[aria-selected=false]").first.click()
    assert not selected(page).endswith("not-U+DCFF-utf8.png")
    page.go_back()
    assert selected(page).endswith("not-U+DCFF-utf8.png")


@pytest.mark.parametrize("address", ["#sort=toString", "#sort=constructor&toString=1"])
def test_a_name_that_every_object_has_is_no_order(visit: Visit, detection: Path, address: str) -> None:
    page = visit(detection, address)
    assert first_ids(page) == first_ids(visit(detection))
    page.locator("[data-show=all]").click()
    assert "toString=" not in page.url


def test_keys_go_through_samples_and_layers(visit: Visit, grounding: Path) -> None:
    page = visit(grounding)
    page.locator(".list").focus()
    order = first_ids(page)
    page.keyboard.press("j")
    assert selected(page) == order[1]
    page.keyboard.press("ArrowDown")
    assert selected(page) == order[2]
    page.keyboard.press("k")
    assert selected(page) == order[1]
    page.keyboard.press("End")
    assert page.locator(".item[aria-selected=true]").get_attribute("aria-posinset") == str(count(page))
    page.keyboard.press("Home")
    assert selected(page) == order[0]
    for key, layer in (
        ("t", ".detail rect >> nth=0"),
        ("p", ".detail .frame g.p rect >> nth=0"),
        ("m", ".detail canvas"),
    ):
        drawn = page.locator(layer).first
        assert drawn.is_visible()
        page.keyboard.press(key)
        assert drawn.is_hidden(), key
        page.keyboard.press(key)
        assert drawn.is_visible(), key
    page.keyboard.press("?")
    assert page.get_by_role("dialog").get_by_text("next and previous sample").is_visible()
    before = selected(page)
    page.keyboard.press("j")
    assert selected(page) == before
    page.get_by_role("dialog").get_by_role("button", name="close").click()
    assert page.get_by_role("dialog").is_hidden()
    page.keyboard.press("?")
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").is_hidden()
    page.keyboard.press("/")
    page.keyboard.type("tj")
    assert page.get_by_label("search in").input_value() == "tj"
    page.keyboard.press("Escape")
    assert page.locator(".list").evaluate("e => e === document.activeElement")


def test_everything_can_be_reached_by_tab_and_the_focus_is_seen(visit: Visit, detection: Path) -> None:
    page = visit(detection)
    reached = set()
    for _ in range(200):
        page.keyboard.press("Tab")
        on, outline = page.evaluate(
            "() => { const e = document.activeElement; return [e.id || e.className || e.tagName, "
            "getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth] }"
        )
        if on == "BODY":
            break
        reached.add(on)
        assert outline not in ("none0px", "none3px"), on
    assert {"theme", "chip", "list", "id"} <= reached


def test_hostile_output_is_seen_and_does_nothing(visit: Visit, detection: Path) -> None:
    page = visit(detection)
    title = page.title()
    page.keyboard.press("/")
    page.keyboard.type("gnp.exe")
    assert count(page) == 1
    detail = page.locator(".detail")
    page.get_by_text("raw completion and prompt").click()
    text = detail.inner_text()
    for shown in (
        "<script>document.title='hacked'</script>",
        "onerror=",
        "</script></style><svg onload=alert(3)>",
        "&lt;b&gt;",
    ):
        assert shown in text
    for mark in ("U+202E", "U+2066", "U+2028", "U+0000", "U+001B", "U+E0041"):
        assert detail.locator(".hid").get_by_text(mark).first.is_visible()
    assert detail.locator(".hid", has_text="U+202E").first.get_attribute("title") == "RIGHT-TO-LEFT OVERRIDE"
    assert page.locator(".detail script, .detail img, .detail style").count() == 0
    assert page.title() == title
    assert not any(character in text for character in "\u202e\u2066\u2028\x00\x1b")
    kept = page.evaluate("JSON.parse(document.querySelector('#sample-data').textContent).samples")
    assert ["".join(piece[1] for piece in row["text"]) for row in kept if "gnp" in json.dumps(row)] == [HOSTILE]


def test_pairs_rewards_and_the_parser_are_told(visit: Visit, detection: Path) -> None:
    page = visit(detection, "#show=broken,dropped")
    detail = page.locator(".detail")
    assert detail.get_by_text("truncated").first.is_visible()
    assert detail.get_by_text("missing think").is_visible()
    assert detail.locator(".row").count() == 3
    assert detail.locator(".row .why").all_inner_texts() == [
        "1 of 1 objects found, mean IoU 1.00",
        "mean 0.70 of right boxes",
        "wrong: no <think> block, <answer> isn't closed",
    ]
    page = visit(detection, "#show=partly&sort=high-iou")
    detail = page.locator(".detail")
    assert detail.locator("td.right", has_text="matched to").first.is_visible()
    assert detail.locator("td.wrong", has_text="again").first.is_visible()
    detail.locator("tbody tr").first.hover()
    assert detail.locator(".frame g.lit").count() == 2


def test_tables_sort_and_charts_are_drawn(visit: Visit, detection: Path) -> None:
    page = visit(detection)
    head = page.locator("#categories + .scroll th button", has_text="AP50")
    cells = "table => [...table.querySelectorAll('#categories + .scroll tbody tr')].map(r => r.cells[2].dataset.v)"
    head.click()
    down = page.evaluate(f"({cells})(document)")
    head.click()
    up = page.evaluate(f"({cells})(document)")
    numbers = [float(value) for value in down if value]
    assert numbers == sorted(numbers, reverse=True)
    assert [float(value) for value in up if value] == sorted(numbers)
    assert down[-1] == up[-1] == "" or all(down)
    drawn = page.evaluate(
        "[...document.querySelectorAll('figure.chart canvas')].map(c => "
        "c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0))"
    )
    assert len(drawn) == 7
    assert all(drawn)
    first = page.locator("figure.chart canvas").first
    before = first.evaluate("c => c.toDataURL()")
    page.locator("figure.chart select").select_option(index=2)
    assert first.evaluate("c => c.toDataURL()") != before
