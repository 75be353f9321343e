"""Exist maps: the released form and ours are read, whatever would hide objects without a word is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import write_coco

from vrft_eval.errors import InputError
from vrft_eval.gate.choose import choose_gate
from vrft_eval.gate.exist_map import check_exist_map, exist_map_fingerprint, read_exist_map

RELEASED = {"7": ["cat", "dog"], "9": []}
CATEGORIES = {1: "cat", 2: "dog", 3: "bus"}


def _write(folder: Path, content: Any) -> Path:
    file = folder / "map.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_the_released_form_is_read_as_it_is(tmp_path: Path) -> None:
    found = read_exist_map(_write(tmp_path, RELEASED))
    assert found.images == RELEASED
    assert found.categories is None


def test_our_form_says_what_was_asked_and_means_the_same(tmp_path: Path) -> None:
    ours = {"version": 1, "task": "coco", "categories": ["cat", "dog"], "images": {"9": [], "7": ["dog", "cat"]}}
    found = read_exist_map(_write(tmp_path, ours))
    assert found.categories == ["cat", "dog"]
    assert exist_map_fingerprint(found.images) == exist_map_fingerprint(RELEASED)
    assert exist_map_fingerprint({**RELEASED, "9": ["cat"]}) != exist_map_fingerprint(RELEASED)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "the file is empty"),
        ("{", ":1: not JSON"),
        ([], "must be a JSON object"),
        ({}, "holds no image"),
        ({"7": "cat"}, r"images\.7: Input should be a valid list, got 'cat'"),
        ({"7": [1]}, r"images\.7\.0: Input should be a valid string, got 1"),
        ({"7": ["cat", "cat"]}, r"7\[1\]: category named twice, got 'cat'"),
        ('{"7": ["cat"], "7": []}', "the key '7' is there twice"),
        ({"007": []}, "007: must be an image's id in plain digits"),
        ({"a.jpg": []}, r"a\.jpg: must be an image's id"),
        ({"version": 2, "images": {}}, "version: Input should be 1, got 2"),
        ({"version": 1}, "images: Field required"),
        ({"version": 1, "images": {}, "future": 1}, "future: Extra inputs"),
        ({"version": 1, "images": {"7": ["bus"]}, "categories": ["cat"]}, r"images\.7\[0\]: is not among the map's"),
    ],
)
def test_what_is_no_exist_map_is_refused_with_the_place(tmp_path: Path, content: Any, expected: str) -> None:
    with pytest.raises(InputError, match=expected) as error:
        read_exist_map(_write(tmp_path, content))
    assert "map.json" in str(error.value)


def _check(folder: Path, content: Any, images: list[int], selected: list[int]) -> None:
    file = _write(folder, content)
    check_exist_map(read_exist_map(file), images, CATEGORIES, selected, file)


def test_a_map_of_more_images_and_categories_than_are_asked_fits(tmp_path: Path) -> None:
    _check(tmp_path, RELEASED, [9], [1])


def test_a_map_that_lacks_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no entry for 2 of the 3 images \(8, 10\)"):
        _check(tmp_path, RELEASED, [7, 8, 10], [1])


def test_a_map_with_names_that_the_data_lack_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"names 1 categories that the data do not have, first 'bsu'; did you mean bus"
    ):
        _check(tmp_path, {"7": ["bsu"]}, [7], [1])


def test_a_map_made_for_other_categories_is_refused(tmp_path: Path) -> None:
    ours = {"version": 1, "categories": ["cat"], "images": RELEASED | {"7": ["cat"]}}
    _check(tmp_path, ours, [7, 9], [1])
    with pytest.raises(InputError, match=r"nothing was asked about 2 of the 3 of this task \(dog, bus\)"):
        _check(tmp_path, ours, [7, 9], [1, 2, 3])


def test_the_option_takes_a_name_or_a_file(tmp_path: Path) -> None:
    write_coco(tmp_path)
    file = _write(tmp_path, RELEASED)
    assert choose_gate(None) is None
    for name in ("none", "truth", "negatives", "recorded", "model"):
        chosen = choose_gate(name)
        assert chosen is not None
        assert chosen.name == name
    from_file = choose_gate(str(file))
    assert from_file is not None
    assert (from_file.name, from_file.file) == ("file", file)
    with pytest.raises(
        InputError, match=r"--gate: must be one of none, truth, .*, or the file of an exist map, got 'al"
    ):
        choose_gate("all")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Is there a cat?", "must hold {category}"),
        ("{category} of {categories}?", "and not both"),
        (b"\xff {category}", "not UTF-8"),
    ],
)
def test_a_gate_prompt_must_have_one_placeholder(tmp_path: Path, prompt: str | bytes, expected: str) -> None:
    file = tmp_path / "prompt.txt"
    file.write_bytes(prompt if isinstance(prompt, bytes) else prompt.encode())
    with pytest.raises(InputError, match=expected):
        choose_gate("model", str(file))


def test_a_gate_prompt_is_for_the_model_gate() -> None:
    with pytest.raises(InputError, match="--gate-prompt: is for --gate model only"):
        choose_gate("truth", "gate-list")
    with pytest.raises(InputError, match="--gate-prompt: no such prompt"):
        choose_gate("model", "/no/such/file")
    listed = choose_gate("model", "gate-list")
    assert listed is not None
    assert "{categories}" in (listed.prompt or "")


def test_the_documented_example_is_an_exist_map(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "gate.md").read_text(encoding="utf-8")
    example = page.partition("```json\n")[2].partition("```")[0]
    assert read_exist_map(_write(tmp_path, example)).images == {"139": ["mouse"], "285": []}
