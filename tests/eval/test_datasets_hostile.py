"""Whatever a data file holds, a loader reads it, or says in one InputError what is wrong; nothing else comes out."""

from __future__ import annotations

import copy
import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import coco_document, write_image
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_datasets import lvis_document
from test_datasets_grounding import document, shape

from vrft_eval.check.run import check_task
from vrft_eval.datasets import LoadOptions
from vrft_eval.errors import InputError
from vrft_eval.tasks import TASKS, load_task

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70),
    st.sampled_from([2**53, -(2**70), 10**400, 1e308, -0.0, 1e-320, float("inf"), float("nan")]),
    st.floats(-100, 300),
    st.sampled_from(["", " ", "cat", "../x", "/etc/passwd", "C:\\x", "a\0b", "\ud800", "x" * 5000, "r", "a.png"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3)
)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document that can be changed."""
    found = [path] if path else []
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        found += places(value, (*path, key))
    return found


@st.composite
def changed(draw: st.DrawFn, whole: Any) -> Any:
    """The document with one to three values replaced, or taken away."""
    document = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        options = places(document)
        if not options:
            return draw(VALUES)
        *parents, last = draw(st.sampled_from(options))
        node = document
        for part in parents:
            node = node[part]
        if isinstance(node, dict) and draw(st.booleans()):
            del node[last]
        else:
            node[last] = draw(VALUES)
    return document


COOP = {"train": [["a.png", 1, "b"]], "val": [], "test": [["b.png", 0, "a"], ["c.png", 1, "b"]]}
LINE = {
    "image": "a.png",
    "text": "it",
    "box": [1, 1, 5, 5],
    "size": [8, 6],
    "mask": {"size": [6, 8], "counts": [0, 48]},
}
CASES = {
    "detection": ("annotations.json", coco_document()),
    "lvis": ("lvis_v1_val.json", lvis_document(early=True)),
    "classification": ("index.json", [{"image": "a.png", "label": "a"}, {"image": "b.png", "label": "b"}]),
    "flowers102": ("split_zhou_OxfordFlowers.json", COOP),
    "grounding": ("grounding.jsonl", LINE),
    "reasonseg": ("val/a.json", document(shape("target", 1, 1, 5, 5), shape("ignore", 2, 2, 3, 3))),
}


@pytest.mark.parametrize("task", CASES)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_a_changed_file_is_read_or_refused(task: str, data: st.DataObject) -> None:
    name, whole = CASES[task]
    text = json.dumps(data.draw(changed(whole)))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        write_image(file.parent / "a.jpg")
        file.write_text(text, encoding="utf-8")
        options = LoadOptions(Path(folder))
        with suppress(InputError):
            loaded = load_task(TASKS[task], options)
            spec = loaded.spec
            field = {"detection": "{category}", "grounding": "{question}"}.get(spec.kind, "")
            for sample in loaded.samples(field, "none" if spec.kind == "detection" else None):
                assert sample.id
                assert sample.image.is_relative_to(folder)
        report = check_task(TASKS[task], options)
        assert all(finding.count >= len(finding.examples) > 0 for finding in report.findings)


@pytest.mark.parametrize("task", CASES)
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[" * 100_000, b'{"a":' * 50_000, b"9" * 10_000, b"NaN"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, task: str, content: bytes) -> None:
    file = tmp_path / CASES[task][0]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    with pytest.raises(InputError) as error:
        load_task(TASKS[task], LoadOptions(tmp_path))
    assert len(str(error.value)) < 600
