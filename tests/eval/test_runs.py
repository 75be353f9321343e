from __future__ import annotations

import json
from pathlib import Path

import pytest

from vrft_eval.backends import Answer
from vrft_eval.errors import InputError
from vrft_eval.runs import FILES, GATE_FILES, Journal, RunFolder, differences
from vrft_eval.schemas import RunInfo, Scoring, Settings, Source


def _info(**change: object) -> RunInfo:
    settings = {
        "task": "coco",
        "backend": "transformers",
        "model": "a" * 64,
        "data": "b" * 64,
        "prompt": "Find {category}",
        "gate": "truth",
        "seed": 0,
        "limit": None,
        "generation": {"max_new_tokens": 8},
        **change,
    }
    return RunInfo(
        created="2026-01-01T00:00:00Z",
        settings=Settings.model_validate(settings),
        scoring=Scoring(space="norm1000", profile="default", sam=None),
        source=Source(model="m", data="d"),
        packages={},
        python="3",
        revision=None,
    )


def test_a_journal_gives_back_what_was_written(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.begin(_info())
    answers = [Answer("1:2", "<think>\u202e\n</think>", None, "stop", 5), Answer("1:3", None, "broken image")]
    with Journal(run.journal_file) as journal:
        for answer in answers:
            journal.append(answer)
    assert list(run.answers().values()) == answers


@pytest.mark.parametrize("torn", [b'{"id": "1:3", "comp', b'{"id": "1:3", "completion": "x"}', b"\xff\xfe"])
def test_a_torn_last_line_is_left_out_and_cut_off(tmp_path: Path, torn: bytes) -> None:
    run = RunFolder(tmp_path)
    run.begin(_info())
    whole = b'{"id": "1:2", "completion": "x"}\n'
    run.journal_file.write_bytes(whole + torn)
    assert list(run.answers()) == ["1:2"]
    with Journal(run.journal_file) as journal:
        journal.append(Answer("1:3", "y"))
    assert run.journal_file.read_bytes() == whole + b'{"id": "1:3", "completion": "y"}\n'


def test_a_broken_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.journal_file.write_bytes(b'{"id": 3, "completion": "x"}\n{"id": "1:2", "completion": "x"}\n')
    with pytest.raises(InputError, match=r"responses\.jsonl:1: id: Input should be a valid string, got 3"):
        run.answers()


def test_a_later_answer_replaces_a_failure(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with Journal(run.journal_file) as journal:
        journal.append(Answer("a", None, "out of memory"))
        journal.append(Answer("a", "text"))
    assert run.answers()["a"].completion == "text"


def test_the_same_run_is_continued_and_keeps_its_beginning(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.begin(_info())
    later = _info().model_copy(update={"created": "2027-01-01T00:00:00Z"})
    assert run.begin(later).created == "2026-01-01T00:00:00Z"


def test_another_run_is_refused_with_what_differs(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.begin(_info())
    before = run.info_file.read_bytes()
    with pytest.raises(InputError, match="--new") as error:
        run.begin(_info(model="c" * 64, generation={"max_new_tokens": 9}))
    assert "generation.max_new_tokens: 8 then, 9 now" in str(error.value)
    assert "model: aaaaaaaaaaaa then, cccccccccccc now" in str(error.value)
    assert "seed" not in str(error.value)
    assert run.info_file.read_bytes() == before


def test_new_deletes_the_runs_own_files_and_nothing_else(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.begin(_info())
    for name in (*FILES[1:], *GATE_FILES, "notes.txt"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    run.begin(_info(seed=3), new=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["notes.txt", "run.json"]
    assert run.read_info().settings.seed == 3


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match=r"is not empty and holds no run \(thesis\.tex\)"):
        RunFolder(tmp_path).begin(_info())
    with pytest.raises(InputError, match="is a file"):
        RunFolder(tmp_path / "thesis.tex").check()


def test_a_newer_or_broken_run_json_is_refused_with_the_field(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with pytest.raises(InputError, match="there is no run"):
        run.read_info()
    run.begin(_info())
    content = json.loads(run.info_file.read_text(encoding="utf-8"))
    for field, value, expected in [("version", 2, "version"), ("future", 1, "future")]:
        run.info_file.write_text(json.dumps({**content, field: value}), encoding="utf-8")
        with pytest.raises(InputError, match=rf"run\.json: {expected}: "):
            run.read_info()
    content["settings"]["seed"] = "x"
    run.info_file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"settings\.seed"):
        run.read_info()


def test_equal_settings_do_not_differ() -> None:
    assert differences(_info().settings, _info().settings) == []
