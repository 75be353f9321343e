"""`vrft-eval export` to trackers, through their real clients; skipped for those that aren't installed."""

from __future__ import annotations

import json
import posixpath
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from eval_helpers import completion, write_coco, write_lines
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from vrft_eval.cli import app
from vrft_eval.export.runs import load_runs
from vrft_eval.export.to_mlflow import _named
from vrft_eval.export.to_tensorboard import folder_name
from vrft_eval.export.tracked import numbers, settings


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three answers to two images."""
    root = tmp_path_factory.mktemp("tracked")
    write_coco(root / "data", images=True)
    rows = [
        {"id": "7:1", "completion": completion([[20, 10, 120, 60]], (200, 100), [0.9])},
        {"id": "9:2", "completion": "=1+1 \u202e"},
    ]
    responses = write_lines(root / "r.jsonl", rows)
    result = call("score", "detection", "--data", root / "data", "--responses", responses, "--out", root / "run")
    assert result.exit_code == 0, result.output
    return root / "run"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def _export(run: Path, to: str, out: Path) -> Result:
    if find_spec(to) is None:
        pytest.skip(f"{to} is not installed: pip install {to}")
    result = call("export", run, "--to", to, "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].startswith(f"{to}: ")
    return result


def _report(run: Path) -> Any:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


def test_numbers_carry_intervals_categories_and_reward_parts(run: Path) -> None:
    (loaded,) = load_runs([run])
    found, report = numbers(loaded), _report(run)
    interval = report["intervals"]["mAP"]
    assert (found["mAP/low"], found["mAP"], found["mAP/high"]) == (
        *(interval["low"], report["metrics"]["mAP"], interval["high"]),
    )
    assert found["reward/iou"] == report["rewards"]["parts"]["iou"]
    assert found["category/cat/truth"] == 1
    assert found["count/samples"] == report["counts"]["samples"]
    assert not any(value is None for value in found.values())
    assert settings(loaded)["settings"]["gate"] == "recorded"
    assert str(run.parent) not in json.dumps(settings(loaded))


def test_names_that_a_store_refuses_are_kept_apart() -> None:
    assert _named([("a|b", 1.0), ("a?b", 2.0)]) == {"a_b": 1.0, "a_b 2": 2.0}
    assert [folder_name(name) for name in ("../../x", "..", "a b")] == ["x", "run", "a-b"]


@given(st.lists(st.text("a./ |", max_size=300), unique=True))
@example(["category/w///truth", "category/./truth", "category/../truth", "left//right", "/a", "..", "", "/" * 300])
def test_every_name_is_a_normal_path_and_short_enough(names: list[str]) -> None:
    named = _named((name, number) for number, name in enumerate(names))
    assert [*named.values()] == [*range(len(names))]
    for name in named:
        assert posixpath.normpath(name) == name
        assert not name.startswith(("/", "."))
        assert len(name) <= 250


@pytest.mark.parametrize("to", ["wandb", "tensorboard", "mlflow"])
def test_a_client_that_is_missing_is_one_line_that_says_what_to_install(run: Path, tmp_path: Path, to: str) -> None:
    if find_spec(to) is not None:
        pytest.skip(f"{to} is installed")
    result = call("export", run, "--to", to, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [f"error: --to {to}: needs {to}, which isn't installed: pip install {to}"]
    assert not (tmp_path / "out").exists()


def test_tensorboard_has_scalars_margins_and_texts(run: Path, tmp_path: Path) -> None:
    _export(run, "tensorboard", tmp_path)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "run"))
    events.Reload()
    assert events.Scalars("mAP")[0].value == pytest.approx(_report(run)["metrics"]["mAP"])
    assert events.Scalars("mAP/high")[0].value == pytest.approx(_report(run)["intervals"]["mAP"]["high"])
    assert {"report/text_summary", "settings/text_summary"} <= set(events.Tags()["tensors"])


def test_tensorboard_keeps_runs_apart_whose_names_make_one_folder(run: Path, tmp_path: Path) -> None:
    if find_spec("tensorboard") is None:
        pytest.skip("tensorboard is not installed: pip install tensorboard")
    for names in (("a b", "a-b"), ("\u6a21" * 100 + "1", "\u6a21" * 100 + "2")):
        asked = [part for name in names for part in ("--name", name)]
        result = call("export", run, run, "--to", "tensorboard", "--out", tmp_path, *asked)
        assert result.exit_code == 0, result.output
    assert sorted(len(list(folder.glob("events.*"))) for folder in tmp_path.iterdir()) == [1, 1, 1, 1]
    assert {"a-b", "a-b 2"} <= {folder.name for folder in tmp_path.iterdir()}


def test_mlflow_has_metrics_parameters_samples_and_the_reports(run: Path, tmp_path: Path) -> None:
    _export(run, "mlflow", tmp_path / "store")
    import mlflow

    store = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'store' / 'mlflow.db'}")
    experiment = store.get_experiment_by_name("vrft")
    (logged,) = store.search_runs([experiment.experiment_id])
    assert logged.data.metrics["mAP/low"] == _report(run)["intervals"]["mAP"]["low"]
    assert logged.data.params["settings.gate"] == "recorded"
    names = {file.path for file in store.list_artifacts(logged.info.run_id)}
    assert names == {"run.json", "report.json", "report.md", "report.html", "samples.json"}
    file = Path(store.download_artifacts(logged.info.run_id, "samples.json", str(tmp_path)))
    samples = json.loads(file.read_text(encoding="utf-8"))
    rows = [dict(zip(samples["columns"], row, strict=True)) for row in samples["data"]]
    assert {row["id"]: row["completion"] for row in rows}["9:2"] == "=1+1 \u202e"


def test_mlflow_takes_every_category_and_ends_the_run_that_it_refuses(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    report = _report(run)
    rows = dict.fromkeys(("w//", ".", "..", "left//right", "/"), report["per_category"]["cat"])
    (copy / "report.json").write_text(json.dumps(report | {"per_category": rows}), encoding="utf-8")
    _export(copy, "mlflow", tmp_path / "store")
    import mlflow

    (tmp_path / "store" / "artifacts").rename(tmp_path / "moved")
    (tmp_path / "store" / "artifacts").write_text("not a folder", encoding="utf-8")
    refused = call("export", copy, "--to", "mlflow", "--out", tmp_path / "store")
    assert refused.exit_code == 2
    assert refused.stderr.splitlines()[-1].startswith("error: --to mlflow: MLflow refused: ")
    store = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'store' / 'mlflow.db'}")
    logged = store.search_runs([store.get_experiment_by_name("vrft").experiment_id])
    assert sorted(one.info.status for one in logged) == ["FAILED", "FINISHED"]
    finished = next(one for one in logged if one.info.status == "FINISHED")
    assert len([name for name in finished.data.metrics if name.endswith("/truth")]) == len(rows)


def test_wandb_offline_has_a_summary_a_config_and_a_table(run: Path, tmp_path: Path) -> None:
    if find_spec("wandb") is None:
        pytest.skip("wandb is not installed: pip install wandb")
    # Its service writes the last of a run when the process ends, so that it needs one of its own.
    command = [sys.executable, "-c", "from vrft_eval.cli import main; main()", "export", str(run), "--to", "wandb"]
    done = subprocess.run([*command, "--out", str(tmp_path)], capture_output=True, text=True, check=True)
    place = Path(done.stdout.splitlines()[-1].removeprefix("wandb: "))
    # The journal of an offline run is W&B's own; names and numbers stand in it as text.
    (journal,) = (file.read_bytes() for file in place.glob("*.wandb"))
    assert b"mAP/low" in journal
    assert json.dumps(_report(run)["intervals"]["mAP"]["low"]).encode() in journal
    assert b'"gate":"recorded"' in journal.replace(b": ", b":")
    (table,) = place.rglob("*.table.json")
    assert "completion" in json.loads(table.read_text(encoding="utf-8"))["columns"]


def test_without_the_data_a_tracker_gets_the_numbers_and_the_user_is_told(run: Path, tmp_path: Path) -> None:
    if find_spec("mlflow") is None:
        pytest.skip("mlflow is not installed: pip install mlflow")
    result = call("export", run, "--to", "mlflow", "--out", tmp_path / "store", "--data", tmp_path / "gone")
    assert result.exit_code == 0, result.output
    assert "no table of samples, since its data can't be read" in result.stderr
