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
    """Sixty images with a cat each, of which `poor` misses every other one and `good` one in ten; `ducks` asks more."""
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
    _score(root, "ducks", [{"id": "1:2", "completion": "No Objects"}], "--categories", "cat,duck")
    return root


def _score(root: Path, name: str, rows: list[dict[str, str]], *more: str) -> None:
    responses = write_lines(root / f"{name}.jsonl", rows)
    command = ("score", "detection", "--data", root / "data", "--responses", responses, "--out", root / name, *more)
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
    assert pair["per_category"]["cat"]["difference"] == pytest.approx(gain["value"])
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


def test_runs_of_other_categories_are_refused_with_what_differs(runs: Path) -> None:
    refused = CliRunner().invoke(app, ["compare", str(runs / "good"), str(runs / "ducks")])
    assert refused.exit_code == 2
    assert "ducks: isn't comparable with" in refused.stderr
    assert "\n  categories: None there, ['cat', 'duck'] here" in refused.stderr
    forced = _compare(runs / "good", runs / "ducks", "--force")
    assert any(line.startswith("categories: ") for line in forced["pairs"][0]["differs"])


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
