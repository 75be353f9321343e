"""Files and lists of names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vrft_eval.datasets.names import find_name, parse_names, read_names
from vrft_eval.errors import InputError


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.txt", "rose\nhot dog\n\n"),
        ("names.txt", "\ufeffrose\r\nhot dog"),
        ("names.json", '["rose", "hot dog"]'),
        ("names.json", '{"2": "hot dog", "1": "rose"}'),
        ("names.json", '{"0": "rose", "1": "hot dog"}'),
    ],
)
def test_names_come_in_the_order_of_their_numbers(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_names(tmp_path / name) == ("rose", "hot dog")
    assert parse_names("--labels", str(tmp_path / name)) == ("rose", "hot dog")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("names.txt", b"rose\n\ntulip\n", "line 2: must be a name, got ''"),
        ("names.txt", b"rose\ntulip\nrose\n", "line 3: same name as line 1, got 'rose'"),
        ("names.txt", b"\xff\xfe", "not UTF-8"),
        ("names.txt", b"", "the file is empty"),
        ("names.json", b"3", "must be a list of names, or an object from number to name"),
        ("names.json", b"[]", "names nothing"),
        ("names.json", b"{}", "the numbers must be|names nothing"),
        ("names.json", b'["rose", 3]', "[1]: must be a name, got 3"),
        ("names.json", b'{"1": "rose", "3": "tulip"}', "without a gap"),
        ("names.json", b'{"2": "rose", "3": "tulip"}', "without a gap"),
        ("names.json", b'{"1": "rose", "01": "tulip"}', "without a gap"),
        ("names.json", b'{"one": "rose"}', "one: must be a class number"),
    ],
)
def test_a_bad_file_of_names_is_refused(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        read_names(tmp_path / name)
    assert any(part in str(error.value) for part in expected.split("|"))


def test_a_list_longer_than_a_file_name_may_be_is_a_list() -> None:
    names = [f"category {number}" for number in range(500)]
    assert parse_names("--categories", ", ".join(names)) == tuple(names)


@pytest.mark.parametrize("text", ["a,,b", "a, a", "", "no/such/file", "names.txt", "names.JSON"])
def test_a_bad_list_of_names_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--categories"):
        parse_names("--categories", text)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("fire hydrant", 1),
        ("Fire_Hydrant", 1),
        ("fire-hydrant", 1),
        ("couch", "there is no category 'couch'; it is a synonym of sofa"),
        ("fire hydrants", "did you mean fire hydrant?"),
        ("TV", "category 'TV' can be tv or Tv"),
    ],
)
def test_a_category_is_found_by_its_name(wanted: str, expected: Any) -> None:
    known = {"fire hydrant": 1, "sofa": 2, "tv": 3, "Tv": 4}
    if isinstance(expected, int):
        assert find_name(wanted, known, {}) == expected
        return
    with pytest.raises(InputError) as error:
        find_name(wanted, known, {2: ("sofa", "couch")})
    assert expected in str(error.value)


def test_json_dumps_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "cat_to_name.json"
    file.write_text(json.dumps({str(k): f"flower {k}" for k in range(1, 103)}), encoding="utf-8")
    assert read_names(file)[101] == "flower 102"
