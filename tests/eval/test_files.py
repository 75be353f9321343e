from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrft_eval.errors import InputError, nearest
from vrft_eval.files import compact_json, confined, dump_json, parse_json, read_json, read_json_lines, write_atomic


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b" \n ", "the file is empty"),
        (b'{"a": 1,\n "b": }', ":2: not JSON: Expecting value at column 7"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[" * 200_000, "not JSON"),
        (b"1" * 5000, "not JSON"),
    ],
)
def test_what_is_wrong_with_a_json_file_is_said(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_json(file)
    assert expected in str(error.value)
    assert str(file) in str(error.value)


def test_an_absent_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_json(tmp_path / "no.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path)


def test_json_lines_split_at_newlines_only_and_count_blank_ones(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"a": "one\u2028line"}\n\n{"a": 2}\n', encoding="utf-8")
    assert list(read_json_lines(file)) == [(1, {"a": "one\u2028line"}), (3, {"a": 2})]
    file.write_text('{"a": 1}\n[2]\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"x\.jsonl:2: must be a JSON object, got \[2\]"):
        list(read_json_lines(file))


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    write_atomic(file, "old")
    file.unlink()
    file.mkdir()
    with pytest.raises(InputError, match=r"report\.json: cannot be written"):
        write_atomic(file, "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_written_json_is_strict_and_survives_any_text(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dump_json({"a": float("nan")})
    write_atomic(tmp_path / "x", dump_json({"a": "\ud800\u202e"}))
    assert json.loads((tmp_path / "x").read_bytes()) == {"a": "\ud800\u202e"}


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "C:\\x", "\\x", "..\\x", "", None, 3, "a\0b"])
def test_paths_that_leave_the_data_folder_are_refused(name: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="file_name"):
        confined(tmp_path, name, file=tmp_path / "a.json", field="file_name")


def test_a_path_inside_is_joined(tmp_path: Path) -> None:
    assert confined(tmp_path, "val2017/1.jpg", file=tmp_path, field="f") == tmp_path / "val2017/1.jpg"


def test_nearest_lists_what_there_is_when_nothing_is_near() -> None:
    assert nearest("zzz", ["coco", "lvis"]) == "known are coco, lvis"


@pytest.mark.parametrize(
    "value",
    [
        [{"image_id": 1, "bbox": [0.1, 1e-7, 1e22, 5e-324], "score": 1.0}],
        [{"id": 'a\n"b\\', "label": None, "right": True, "count": -3}],
        [{"answer": "Blüte \u202e \U0001f600"}],
        [{"answer": "half a pair \ud800"}],
        [{"answer": "NaN and Infinity, as words"}],
        [],
    ],
)
def test_json_in_one_line_is_ascii_and_comes_back(value: list[dict[str, Any]]) -> None:
    text = compact_json(value)
    assert text.isascii()
    assert text.endswith(b"\n")
    assert text.count(b"\n") == 1
    assert json.loads(text) == value


@pytest.mark.parametrize("write", [dump_json, compact_json])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_that_is_not_strict_is_refused(number: float, write: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write([{"score": number}])


JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


ODD = [
    b"NaN",
    b"-0",
    b"-0.0",
    b"1e999",
    b"01",
    b"\\ud800",
    b"\xed\xa0\x80",
    b"9" * 5000,
    b"[" * 90_000,
    b"\xef\xbb\xbf",
    b"\0",
]


@given(JSON_TEXTS, st.booleans(), st.binary(max_size=3) | st.sampled_from(ODD), st.integers(0, 60), st.integers(0, 2))
def test_a_file_is_read_as_json_reads_it(value: Any, ascii_only: bool, noise: bytes, at: int, cut: int) -> None:
    whole = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    for data in (whole, whole[:at] + noise + whole[at + cut :]):
        try:
            expected = repr(json.loads(data))
        except (ValueError, RecursionError):
            with pytest.raises(InputError, match="not "):
                parse_json(data, Path("a.json"))
        else:
            assert repr(parse_json(data, Path("a.json"))) == expected
