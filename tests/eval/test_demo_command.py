from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from vrft_eval.cli import app
from vrft_eval.schemas import DemoIndex, read_file


def test_the_demo_shows_both_models_on_the_same_images(tmp_path: Path) -> None:
    command = ["demo", "--out", str(tmp_path / "demo"), "--limit", "4"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == f"report: {tmp_path / 'demo' / 'report.html'}"
    index = read_file(DemoIndex, tmp_path / "demo" / "report.json")
    assert {row.task for row in index.rows} == {"shapes-detection", "shapes-classification", "shapes-grounding"}
    page = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    assert len(index.reports) == 12
    for name, place in index.reports.items():
        assert (tmp_path / "demo" / place).is_file()
        assert f'href="{place}"' in page
        info = json.loads((tmp_path / "demo" / name / "run.json").read_text(encoding="utf-8"))
        assert info["source"]["model"] == ("demo:sft" if "sft/" in name else "demo")
        assert info["settings"]["generation"]["do_sample"] == name.startswith("sampled/")
    settings = [
        json.loads((tmp_path / "demo" / name / "run.json").read_text(encoding="utf-8"))["settings"]
        for name in ("shapes-grounding", "sft/shapes-grounding")
    ]
    assert settings[0]["data"] == settings[1]["data"]
    assert settings[0]["model"] != settings[1]["model"]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert CliRunner().invoke(app, [*command[:-1], "5"]).exit_code == 2
