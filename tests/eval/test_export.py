"""`vrft-eval export` to files: tables, samples, model cards. The trackers are in test_export_trackers.py."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from eval_helpers import completion, write_coco, write_lines
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from vrft_eval.cli import app
from vrft_eval.export.latex import escaped
from vrft_eval.export.registry import FORMATS
from vrft_eval.export.samples_csv import _cell, safe
from vrft_eval.export.samples_parquet import REPORTS

EXCEL = 32_767
"""Characters that a cell holds."""
HOSTILE = '=HYPERLINK("http://x","y")\n\u202e<script>;+1\ud800' + "a" * 40_000


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def export(*arguments: object) -> str:
    result = call("export", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, shapes: Callable[[str], Path]) -> Path:
    """`good` and `poor` answer the same three questions, `bare` has no intervals, `names` is of another task."""
    root = tmp_path_factory.mktemp("export")
    write_coco(root / "data", images=True)
    right = {
        "7:1": completion([[20, 10, 120, 60]], (200, 100), [0.9]),
        "9:2": completion([[5, 5, 25, 25]], (50, 50), [0.8]),
        "9:3": completion([], (50, 50), []),
    }
    wrong = right | {"9:2": HOSTILE}
    for name, answers, more in (
        ("good", right, ()),
        ("poor", wrong, ()),
        ("bare", right, ("--resamples", 0)),
    ):
        rows = [{"id": key, "completion": text} for key, text in answers.items()]
        responses = write_lines(root / f"{name}.jsonl", rows)
        _score(root, name, "detection", root / "data", responses, *more)
    rows = [{"id": "circle/000000.png", "completion": "<think>x</think><answer>=cmd</answer>"}]
    data = shapes("shapes-classification")
    first = sorted(path.relative_to(data).as_posix() for path in data.rglob("*.png"))[0]
    responses = write_lines(root / "names.jsonl", [rows[0] | {"id": first}])
    _score(root, "names", "shapes-classification", data, responses)
    return root


def _score(root: Path, name: str, task: str, data: Path, responses: Path, *more: object) -> None:
    result = call("score", task, "--data", data, "--responses", responses, "--out", root / name, *more)
    assert result.exit_code == 0, result.output


def _report(run: Path) -> Any:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


def test_a_markdown_table_has_a_row_a_run_with_intervals_and_the_best_in_bold(runs: Path) -> None:
    lines = export(runs / "poor", runs / "good", "--to", "markdown", "--best").splitlines()
    assert lines[0] == "| model | samples | mAP | AP50 | AP75 | reward |"
    poor, good = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:4])
    assert (poor[0], good[0]) == ("poor", "good")
    report = _report(runs / "good")
    low, high = (report["intervals"]["mAP"][end] for end in ("low", "high"))
    assert good[2] == f"**{report['metrics']['mAP']:.3f}** [{low:.3f}, {high:.3f}]"
    assert "**" not in poor[2]
    assert any("Intervals: 95%" in line for line in lines)
    assert any("poor is not run as" not in line and "not run as poor is: responses" in line for line in lines)


def test_columns_can_be_chosen_and_their_names_are_checked(runs: Path) -> None:
    lines = export(runs / "good", "--to", "markdown", "--metrics", "AR100,reward").splitlines()
    assert lines[0] == "| model | samples | AR100 | reward |"
    refused = call("export", runs / "good", "--to", "markdown", "--metrics", "map")
    assert refused.exit_code == 2
    assert "did you mean mAP" in refused.stderr


def test_runs_of_several_tasks_get_a_table_each(runs: Path) -> None:
    text = export(runs / "good", runs / "names", "--to", "markdown", "--name", "My|model")
    assert "### detection" in text
    assert "### shapes-classification" in text
    assert text.count("| My\\|model |") == 2


def test_what_a_report_lacks_is_said(runs: Path) -> None:
    assert "No intervals in the report of bare" in export(runs / "bare", "--to", "markdown")


def test_latex_is_booktabs_with_every_name_escaped(runs: Path) -> None:
    text = export(runs / "good", runs / "poor", "--to", "latex", "--best", "--name", "a_b & 50%", "--name", "[x]--{}\\")
    body = text[text.index("\\midrule") : text.index("\\bottomrule")].splitlines()[1:]
    assert body[0].startswith("{a\\_b \\& 50\\%} & ")
    assert "\\textbf{1.000} {\\scriptsize [" in body[0]
    assert body[1].startswith("{[x]-{}-\\{\\}\\textbackslash{}} & ")
    assert all(row.endswith("\\\\") for row in body)
    assert text.count("\\begin{") == text.count("\\end{") == 2


@given(st.text())
def test_escaped_latex_holds_no_command_but_the_ones_that_print_a_character(text: str) -> None:
    rest = escaped(text)
    for command in ("backslash", "asciitilde", "asciicircum", "less", "greater", "bar", "quotedbl", "asciigrave"):
        rest = rest.replace(f"\\text{command}{{}}", "")
    rest = rest.replace("\\textquotesingle{}", "").replace("-{}-", "-")
    for character in "{}$&#_%":
        rest = rest.replace(f"\\{character}", "")
    assert not set(rest) & set("\\{}$&#_%~^<>|\"'`")


def test_csv_has_a_line_a_sample_and_nothing_a_spreadsheet_would_run(runs: Path) -> None:
    text = export(runs / "poor", runs / "names", "--to", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(text.splitlines()) == len(rows) + 1
    found = {(row["run"], row["id"]): row for row in rows}
    bad = found["poor", "9:2"]
    assert bad["completion"].startswith("'=HYPERLINK")
    assert ";'+1" in bad["completion"]
    assert "\\u202e" in bad["completion"]
    assert len(bad["completion"]) <= EXCEL
    assert (bad["outcome"], bad["format"], bad["iou"], bad["n_true"], bad["n_predicted"]) == (
        *("wrong", "false", "0.0", "1", "0"),
    )
    good = found["poor", "7:1"]
    assert (good["outcome"], float(good["confidence"]), good["predicted_boxes"]) == (
        *("right", 0.9, "[[20.0, 10.0, 120.0, 60.0]]"),
    )
    assert float(good["reward"]) == pytest.approx(
        sum(float(good[f"reward_{part}"]) for part in ("iou", "confidence", "format"))
    )
    assert good["reward_accuracy"] == ""
    named = next(row for row in rows if row["run"] == "names" and row["completion"])
    assert named["completion"] == "<think>x</think><answer>=cmd</answer>"
    assert named["n_true"] == ""
    assert named["true_label"]


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_no_text_begins_a_formula(text: str) -> None:
    cell = safe(text)
    assert not any(part.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")) for part in cell.split(";"))
    assert not set(cell) & set("\r\n\t\x00")
    cell.encode("utf-8", "surrogatepass")


@given(st.text(st.sampled_from("a;,\"' \n=+-@\uff1d\u061c\u3164")))
def test_no_cell_begins_a_formula_where_a_semicolon_is_taken_for_the_separator(text: str) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerow(["run", safe(text), "end"])
    for row in csv.reader(io.StringIO(stream.getvalue()), delimiter=";"):
        assert not any(cell.lstrip(' "').startswith(tuple("=+-@\uff1d")) for cell in row)


def test_what_is_hidden_becomes_an_escape() -> None:
    assert safe("\u061c\xad\u3164\U000e0041\t") == "\\u061c\\xad\\u3164\\U000e0041\\t"
    assert safe('a;"=HYPERLINK(""x"")"') == 'a;"\'=HYPERLINK(""x"")"'


@pytest.mark.parametrize(
    "value",
    ["\x01" * 40_000, ";=" * 20_000, [[0.1, 0.2, 100 / 3, 200 / 3]] * 1_000],
    ids=["hidden", "formulas", "boxes"],
)
def test_no_cell_is_longer_than_a_spreadsheet_holds(value: Any) -> None:
    cell = _cell(value)
    assert len(cell) <= EXCEL
    assert cell.endswith(" more characters)")


def test_a_long_cell_takes_linear_time_and_says_what_was_cut() -> None:
    assert safe("; " * 2_000_000).endswith("(3,968,000 more characters)")


def test_parquet_holds_whole_texts_boxes_and_the_report(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "samples.parquet"
    export(runs / "poor", "--to", "parquet", "--out", out)
    table = pyarrow.parquet.read_table(out)
    rows = {row["id"]: row for row in table.to_pylist()}
    assert rows["9:2"]["completion"] == HOSTILE.replace("\ud800", "\\ud800")
    assert rows["7:1"]["true_boxes"] == [[20, 10, 120, 60]]
    assert rows["7:1"]["ious"] == [1.0]
    assert rows["9:2"]["predicted_boxes"] == []
    report = json.loads(table.schema.metadata[REPORTS])["poor"]
    assert report == _report(runs / "poor")
    rewards = table["reward"].to_pylist()
    assert sum(rewards) / len(rewards) == pytest.approx(report["rewards"]["mean"])


def test_a_model_card_is_read_back_with_intervals(runs: Path) -> None:
    data: Any = ModelCard(export(runs / "good", "--to", "model-card", "--name", "acme/my-model")).data
    results = {result.metric_type: result for result in data.eval_results}
    report = _report(runs / "good")
    assert results["mAP"].metric_value == report["metrics"]["mAP"]
    assert results["mAP"].metric_args["low"] == report["intervals"]["mAP"]["low"]
    assert results["mAP"].task_type == "object-detection"
    assert results["mAP"].dataset_args["gate"] == "recorded"
    assert data.model_name == "acme/my-model"


_CARD = """---
license: mit
model-index:
- name: mine
  results:
  - task: {type: object-detection}
    dataset: {name: mine, type: mine}
    metrics: [{type: mAP, value: 0.5}]
---
"""


def test_a_card_that_is_there_keeps_its_text_and_other_results(runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    text = "# My model\n\nDon't lose me.\n"
    file.write_text(_CARD + text, encoding="utf-8")
    for _ in range(2):
        export(runs / "good", "--to", "model-card", "--out", file)
    data: Any = ModelCard.load(file).data
    assert text in file.read_text(encoding="utf-8")
    assert (data.license, data.model_name) == ("mit", "mine")
    assert [(result.dataset_name, result.metric_type) for result in data.eval_results] == [
        *(("mine", "mAP"), ("detection", "mAP"), ("detection", "AP50"), ("detection", "AP75")),
    ]
    file.write_text("---\n[broken\n---\n", encoding="utf-8")
    assert call("export", runs / "good", "--to", "model-card", "--out", file).exit_code == 2
    assert file.read_text(encoding="utf-8") == "---\n[broken\n---\n"


def _copy(run: Path, to: Path, *, model: str | None = None, limit: int | None = None) -> Path:
    to.mkdir(parents=True)
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    info["settings"]["limit"] = limit
    (to / "run.json").write_text(json.dumps(info), encoding="utf-8")
    (to / "report.json").write_text(json.dumps(_report(run) | {"model": model}), encoding="utf-8")
    return to


def test_a_card_holds_one_run_of_a_data_set(runs: Path, tmp_path: Path) -> None:
    few = _copy(runs / "poor", tmp_path / "few", limit=3)
    refused = call("export", few, runs / "good", "--to", "model-card", "--name", "mine")
    assert refused.exit_code == 2
    assert f"RUN: {few} and {runs / 'good'} are of detection" in refused.stderr
    file = tmp_path / "README.md"
    export(few, "--to", "model-card", "--out", file, "--name", "mine")
    export(runs / "good", "--to", "model-card", "--out", file, "--metrics", "mAP,AP50")
    export(runs / "good", "--to", "model-card", "--out", file, "--metrics", "AP75")
    data: Any = ModelCard.load(file).data
    values = {result.metric_type: result.metric_value for result in data.eval_results}
    assert values == {name: _report(runs / "good")["metrics"][name] for name in ("mAP", "AP50", "AP75")}
    assert not any("images" in result.dataset_args for result in data.eval_results)


def test_a_card_has_the_name_that_the_model_has_without_the_folder(runs: Path, tmp_path: Path) -> None:
    one = _copy(runs / "good", tmp_path / "a" / "run", model="acme/qwen")
    other = _copy(runs / "names", tmp_path / "b" / "run", model="acme/qwen")
    data: Any = ModelCard(export(one, other, "--to", "model-card")).data
    assert data.model_name == "qwen"
    refused = call("export", runs / "good", runs / "names", "--to", "model-card")
    assert refused.exit_code == 2
    assert "--name: is missing: recorded answers" in refused.stderr
    data = ModelCard(export(runs / "good", runs / "names", "--to", "model-card", "--name", "mine")).data
    assert data.model_name == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["good", "--to", "latx"], "--to: must be one of markdown, latex,"),
        (["good", "--to", "latx"], "did you mean latex?"),
        (["good", "--to", "parquet"], "--out: is missing"),
        (["good"], "--to: is missing"),
        (["--to", "csv"], "RUN: name one run folder"),
        (["good", "--to", "csv", "--best"], "--best: is for markdown, latex, model-card"),
        (["good", "poor", "names", "--to", "csv", "--name", "a", "--name", "b"], "--name: give one for all"),
        (["good", "--to", "latex", "--metrics", ""], "--metrics: names no metric"),
        (["good", "--to", "markdown", "--metrics", " ,"], "--metrics: names no metric"),
        (["good", "--to", "model-card", "--metrics", "reward"], "--metrics: leaves a model card without a number"),
        (["good", "names", "--to", "model-card", "--name", "a", "--name", "b"], "RUN: a model card is of one model"),
        (["none", "--to", "csv"], "holds no run"),
        (["good", "--to", "csv", "--data", "nowhere"], "nowhere: no such data folder"),
    ],
)
def test_what_cannot_be_exported_is_one_line(runs: Path, arguments: list[str], message: str) -> None:
    places = [str(runs / part) if part in {"good", "poor", "names", "none"} else part for part in arguments]
    result = call("export", *places)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_a_run_without_a_report_says_how_to_make_it(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes((runs / "good" / "run.json").read_bytes())
    assert f"`vrft-eval report {tmp_path}` makes it" in call("export", tmp_path, "--to", "markdown").stderr


def test_the_formats_are_listed_for_people_and_machines() -> None:
    listed = json.loads(export("--list", "--json"))
    assert [row["format"] for row in listed] == list(FORMATS)
    assert next(row for row in listed if row["format"] == "mlflow")["pip_install"] == "mlflow"
    assert all(name in export("--list") for name in FORMATS)
