"""`vrft-eval compare`: the same data, other answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_helpers import completion, write_coco, write_lines
from typer.testing import CliRunner

from vrft_eval.cli import app

IMAGES = 60
SIZE = (100, 100)


def _truth(image: int) -> list[float]:
    return [10.0 + image % 7, 20.0, 60.0, 70.0]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty images with a cat each, of which `poor` misses every other one and `good` one in ten."""
    root = tmp_path_factory.mktemp("runs")
    document: dict[str, Any] = {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 100, "height": 100} for k in range(1, IMAGES + 1)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "duck"}],
        "annotations": [
            {"id": k, "image_id": k, "category_id": 1, "bbox": [x, y, u - x, v - y], "area": 2500, "iscrowd": 0}
            for k in range(1, IMAGES + 1)
            for x, y, u, v in [_truth(k)]
        ],
    }
    write_coco(root / "data", document)
    for name, missed in (("poor", 2), ("good", 10)):
        rows = [
            {
                "id": f"{k}:1",
                "completion": completion([] if k % missed == 0 else [_truth(k)], SIZE, [0.9][: k % missed]),
            }
            for k in range(1, IMAGES + 1)
        ]
        _score(root, name, rows)
    return root


def _score(root: Path, name: str, rows: list[dict[str, str]], *more: str, data: Path | None = None) -> None:
    responses = write_lines(root / f"{name}.jsonl", rows)
    where = ("--data", data or root / "data", "--responses", responses, "--out", root / name)
    command = ("score", "detection", *where, *more)
    result = CliRunner().invoke(app, [str(part) for part in command])
    assert result.exit_code == 0, result.output


def _compare(*arguments: object) -> Any:
    result = CliRunner().invoke(app, ["compare", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_differences_are_those_of_the_reports_with_paired_intervals(runs: Path) -> None:
    before = _written(runs)
    found = _compare(runs / "poor", runs / "good")
    assert _written(runs) == before
    reports = [json.loads((runs / name / "report.json").read_text(encoding="utf-8")) for name in ("poor", "good")]
    (pair,) = found["pairs"]
    for name in ("mAP", "AP50", "AR100"):
        row = pair["metrics"][name]
        assert (row["first"], row["second"]) == tuple(report["metrics"][name] for report in reports)
    gain = pair["metrics"]["mAP"]["difference"]
    assert gain["value"] == pytest.approx(reports[1]["metrics"]["mAP"] - reports[0]["metrics"]["mAP"])
    assert gain["p"] < 0.01
    assert 0 < gain["interval"]["low"] < gain["value"] < gain["interval"]["high"]
    cat = pair["per_category"]["cat"]
    assert cat["difference"] == gain  # the only category
    assert cat["images"] == IMAGES
    # Of sixty images thirty were missed, then six, all of which had been missed before.
    assert (len(pair["flips"]["better"]), pair["flips"]["worse"], pair["flips"]["same"]) == (24, [], 36)
    reward = pair["metrics"]["reward"]["difference"]
    assert reward["value"] == pytest.approx(np.subtract(*(report["rewards"]["mean"] for report in reversed(reports))))
    assert reward["interval"]["low"] < reward["value"] < reward["interval"]["high"]


def _written(root: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in root.rglob("*") if file.name != ".lock"}


def test_the_other_way_round_is_the_same_with_another_sign(runs: Path) -> None:
    one, other = (_compare(*order)["pairs"][0] for order in _both(runs))
    for name in ("mAP", "reward"):
        assert one["metrics"][name]["difference"]["value"] == pytest.approx(
            -other["metrics"][name]["difference"]["value"]
        )
        assert one["metrics"][name]["difference"]["p"] == other["metrics"][name]["difference"]["p"]
    assert one["flips"]["better"] == other["flips"]["worse"]


def _both(runs: Path) -> list[tuple[Path, Path]]:
    return [(runs / "poor", runs / "good"), (runs / "good", runs / "poor")]


def test_a_run_beside_itself_differs_in_nothing(runs: Path) -> None:
    metrics = _compare(runs / "good", runs / "good")["pairs"][0]["metrics"]
    found = [row["difference"] for row in metrics.values() if row["difference"] is not None]
    assert found
    assert all(row["value"] == 0 and row["p"] == 1 for row in found)


REFUSED = {
    "categories": (("--categories", "cat,duck"), "categories: None there, ['cat', 'duck'] here"),
    "gate": (("--gate", "none"), "gate: 'recorded' there, 'none' here"),
    "space": (("--space", "pixels"), "space: 'norm1000' there, 'pixels' here"),
    "profile": (("--profile", "visual-rft"), "profile: 'default' there, 'visual-rft' here"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_comparable_is_refused_with_both_values(runs: Path, tmp_path: Path, what: str) -> None:
    options, line = REFUSED[what]
    _score(tmp_path, what, [{"id": "1:1", "completion": "No Objects"}], *options, data=runs / "data")
    refused = CliRunner().invoke(app, ["compare", str(runs / "good"), str(tmp_path / what)])
    assert refused.exit_code == 2
    assert f"{what}: isn't comparable with {runs / 'good'}" in refused.stderr
    assert f"\n  {line}" in refused.stderr
    forced = _compare(runs / "good", tmp_path / what, "--force")["pairs"][0]
    assert line in forced["differs"]
    assert ("reward" in forced["metrics"]) == (what != "profile")


def test_runs_of_other_images_are_refused_with_both_fingerprints_and_even_when_forced(
    runs: Path, tmp_path: Path
) -> None:
    document = json.loads((runs / "data" / "annotations.json").read_text(encoding="utf-8"))
    document["images"].append({"id": 99, "file_name": "99.png", "width": 100, "height": 100})
    document["annotations"].append({**document["annotations"][0], "id": 99, "image_id": 99})
    write_coco(tmp_path / "data", document)
    _score(tmp_path, "more", [{"id": "99:1", "completion": "No Objects"}])
    refused = CliRunner().invoke(app, ["compare", str(runs / "good"), str(tmp_path / "more")])
    fingerprints = [
        json.loads((run / "run.json").read_text(encoding="utf-8"))["settings"]["data"][:12]
        for run in (runs / "good", tmp_path / "more")
    ]
    assert refused.exit_code == 2
    assert f"\n  data: {fingerprints[0]} there, {fingerprints[1]} here" in refused.stderr
    forced = CliRunner().invoke(app, ["compare", str(runs / "good"), str(tmp_path / "more"), "--force"])
    assert forced.exit_code == 2
    assert "must be over the same images; only one of them has 99" in forced.stderr


def test_a_category_of_few_images_has_no_interval(tmp_path: Path) -> None:
    images = 20
    document: dict[str, Any] = {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 100, "height": 100} for k in range(1, images + 1)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "duck"}],
        "annotations": [
            {"id": k, "image_id": k, "category_id": 1 + (k > 17), "bbox": [10, 10, 50, 50], "area": 2500, "iscrowd": 0}
            for k in range(1, images + 1)
        ],
    }
    write_coco(tmp_path / "data", document)
    for name, missed in (("a", (1, 2, 3, 18)), ("b", (1,))):
        box = [10.0, 10.0, 60.0, 60.0]
        rows = [
            {
                "id": f"{k}:{1 + (k > 17)}",
                "completion": completion([] if k in missed else [box], SIZE, [0.9][k in missed :]),
            }
            for k in range(1, images + 1)
        ]
        _score(tmp_path, name, rows)
    found = _compare(tmp_path / "a", tmp_path / "b")["pairs"][0]
    cat, duck = found["per_category"]["cat"], found["per_category"]["duck"]
    assert (cat["images"], duck["images"]) == (17, 3)
    assert cat["difference"]["interval"]["low"] <= cat["difference"]["value"] <= cat["difference"]["interval"]["high"]
    assert duck["difference"]["value"] == pytest.approx(duck["second"] - duck["first"])
    assert (duck["difference"]["interval"], duck["difference"]["p"]) == (None, None)


def test_every_run_is_compared_with_the_first_and_changes_are_counted(runs: Path) -> None:
    found = _compare(runs / "poor", runs / "good", runs / "poor")
    gained, same = (pair["flips"] for pair in found["pairs"])
    assert gained["changes"] == [{"before": "wrong", "after": "right", "count": 24}]
    assert same["changes"] == []
    assert found["pairs"][1]["metrics"]["mAP"]["difference"]["value"] == 0


def test_the_table_names_the_runs_and_says_what_p_is(runs: Path) -> None:
    result = CliRunner().invoke(app, ["compare", str(runs / "poor"), str(runs / "good")])
    assert result.exit_code == 0, result.output
    assert "24 better, 0 worse, 36 the same" in result.stdout
    assert "not adjusted" in result.stdout


@pytest.mark.parametrize(
    ("names", "message"), [(["good"], "needs two runs or more"), (["good", "none"], "holds no run")]
)
def test_what_cannot_be_compared_is_one_line(runs: Path, names: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["compare", *(str(runs / name) for name in names)])
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
