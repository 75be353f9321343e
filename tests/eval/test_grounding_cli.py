"""Masks from the command line: made once, kept beside the run, never half a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_helpers import write_lines
from PIL import Image
from typer.testing import CliRunner, Result

from vrft_eval.cli import app
from vrft_eval.masks.models import MaskLine
from vrft_eval.rle import encode_rle
from vrft_eval.schemas import RunInfo

SIZE = (60, 40)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows = []
    for name in ("a", "b"):
        Image.fromarray(rng.integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)).save(folder / f"{name}.png")
        mask = np.zeros((SIZE[1], SIZE[0]), dtype=bool)
        mask[8:30, 6:40] = True
        rows.append(
            {"image": f"{name}.png", "text": "it", "box": [6, 8, 40, 30], "size": list(SIZE), "mask": encode_rle(mask)}
        )
    write_lines(folder / "grounding.jsonl", rows)
    answer = "<think>x</think><answer>(100,200),(650,750)</answer>"
    write_lines(tmp_path / "answers.jsonl", [{"id": name, "completion": answer} for name in ("a", "b")])
    return folder


def score(data: Path, *options: str) -> Result:
    root = data.parent
    given = ["--data", str(data), "--responses", str(root / "answers.jsonl"), "--out", str(root / "run")]
    return CliRunner().invoke(app, ["score", "grounding", *given, *options])


def metrics(data: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data.parent / "run" / "report.json").read_text(encoding="utf-8"))["metrics"]
    return found


def masks(data: Path) -> list[MaskLine]:
    text = (data.parent / "run" / "masks.jsonl").read_text(encoding="utf-8")
    return [MaskLine.model_validate_json(line) for line in text.splitlines()]


def test_masks_are_kept_and_the_report_needs_neither_sam_nor_images_again(data: Path) -> None:
    done = score(data, "--sam", "demo", "--device", "cpu")
    assert done.exit_code == 0, done.output
    first = metrics(data)
    assert [line.id for line in masks(data)] == ["a", "b"]
    info_file = data.parent / "run" / "run.json"
    info = RunInfo.model_validate_json(info_file.read_text(encoding="utf-8"))
    assert info.scoring.sam_fingerprint == masks(data)[0].sam
    info_file.write_text(
        info_file.read_text(encoding="utf-8").replace(str(info.scoring.sam), "/gone"), encoding="utf-8"
    )
    for image in data.glob("*.png"):
        image.unlink()
    again = CliRunner().invoke(app, ["report", str(data.parent / "run")])
    assert again.exit_code == 0, again.output
    assert metrics(data) == first
    # Another mask of the same SAM is another question, and that SAM is gone.
    other = CliRunner().invoke(app, ["report", str(data.parent / "run"), "--sam-mask", "best"])
    assert other.exit_code == 2
    assert "gone: no such SAM folder" in other.output


def test_starting_over_makes_the_masks_anew(data: Path) -> None:
    assert score(data, "--sam", "demo", "--device", "cpu").exit_code == 0
    file = data.parent / "run" / "masks.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace('"id":"a"', '"id":"stale"'), encoding="utf-8")
    done = score(data, "--sam", "demo", "--device", "cpu", "--new")
    assert done.exit_code == 0, done.output
    assert [line.id for line in masks(data)] == ["a", "b"]


def test_an_image_that_breaks_off_leaves_masks_but_no_run_and_the_same_command_goes_on(data: Path) -> None:
    whole = (data / "b.png").read_bytes()
    (data / "b.png").write_bytes(whole[: len(whole) // 2])
    done = score(data, "--sam", "demo", "--device", "cpu")
    assert done.exit_code == 2
    assert "b.png: broken image" in done.output.replace("\n", "")
    assert not (data.parent / "run" / "run.json").exists()
    assert [line.id for line in masks(data)] == ["a"]
    (data / "b.png").write_bytes(whole)
    done = score(data, "--sam", "demo", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert [line.id for line in masks(data)] == ["a", "b"]


def test_boxes_are_filled_without_a_sam_and_nothing_is_kept(data: Path) -> None:
    assert score(data).exit_code == 0
    assert not (data.parent / "run" / "masks.jsonl").exists()
    filled = np.zeros((SIZE[1], SIZE[0]), dtype=bool)
    filled[8:30, 6:39] = True  # 100..650 of 60 and 200..750 of 40
    truth = np.zeros_like(filled)
    truth[8:30, 6:40] = True
    assert metrics(data)["gIoU"] == pytest.approx(filled.sum() / (truth.sum() + 1e-5), abs=1e-12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sam", "demo", "--sam-dtype", "int4"], "--sam-dtype: must be one of"),
        (["--sam", "demo", "--sam-mask", "all"], "--sam-mask: must be one of single, best"),
        (["--sam", "demo", "--device", "abacus"], "device: torch can't use this device"),
        (["--sam", "nowhere"], "nowhere: no such SAM folder"),
    ],
)
def test_bad_options_are_one_line_and_nothing_is_written(data: Path, options: list[str], said: str) -> None:
    done = score(data, *options)
    assert done.exit_code == 2
    assert said in done.output
    assert not (data.parent / "run").exists()
