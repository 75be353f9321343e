"""explain: what was read, matched, dropped and paid, and nothing a terminal would obey."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vrft_rewards import PROFILES, ClassificationReward, DetectionReward, GroundingReward, Reward
from vrft_rewards.cli import main
from vrft_rewards.explain import explain
from vrft_rewards.terminal import visible, wants_colour

SAY = "<think>a</think><answer>{}</answer>"
TWO = "[{'Position': [0, 0, 100, 100], 'Confidence': 0.9}, {'Position': [500, 500, 600, 600], 'Confidence': 0.4}]"
TRUTH = [[0, 0, 100, 110], [700, 700, 800, 800], [550, 550, 650, 650]]
ANSI = re.compile(r"\x1b\[[0-9]+m")


def test_every_box_and_object_is_accounted_for() -> None:
    text = explain(DetectionReward(), SAY.format(TWO), TRUTH)
    assert "box 1    (0, 0, 100, 100) confidence 0.9 is object 1, IoU 0.909" in text
    assert "box 2    (500, 500, 600, 600) confidence 0.4 is wrong, IoU 0.143 with object 3" in text
    assert "missed   object 2 (700, 700, 800, 800)" in text
    assert "missed   object 3" in text
    assert "paid     iou 0.364" in text


def test_what_was_dropped_says_why() -> None:
    text = explain(DetectionReward(), SAY.format("[[9, 9, 1, 1], [1, 1, 9, 9], [1, 2"), [])
    assert "inverted: [9, 9, 1, 1]" in text
    assert "truncated" in text
    assert "is wrong, there are no objects" in text
    same = explain(DetectionReward("visual-rft"), SAY.format("[[1, 1, 9, 9], [1, 1, 9, 9]]"), [[1, 1, 9, 9]])
    assert "dropped  1 equal to an earlier box" in same


def test_labels_and_one_box() -> None:
    reward = ClassificationReward(["rose", "tiger lily"])
    text = explain(reward, SAY.format("Tiger-Lilly"), "rose")
    assert "matched  tiger lily (fuzzy" in text
    assert "truth    rose" in text
    box = explain(GroundingReward(), SAY.format("(0,0),(100,100)"), [0, 0, 100, 200])
    assert "box      (0, 0, 100, 100) IoU 0.500, GIoU 0.500" in box


def test_labels_of_the_truth_are_shown_and_bind() -> None:
    item = '{{"bbox_2d": {}, "label": "{}"}}'.format
    answer = f"{item([0, 0, 100, 100], 'train')}, {item([700, 700, 800, 800], 'A Bus')}, {{'box': [1, 1, 9, 9]}}"
    truth = {"boxes": [[0, 0, 100, 110], [700, 700, 800, 800]], "labels": ["bus", "a bus"]}
    text = explain(DetectionReward(), SAY.format(answer), truth)
    assert "box 1    (0, 0, 100, 100) 'train' confidence 1 is wrong, IoU 0.909 with object 1 'bus'" in text
    assert "box 2    (700, 700, 800, 800) 'A Bus' confidence 1 is object 2, IoU 1.000" in text
    assert "box 3    (1, 1, 9, 9) without label confidence 1 is wrong" in text
    assert "missed   object 1 (0, 0, 100, 110) 'bus'" in text
    assert "is object 1" in explain(DetectionReward(class_aware=False), SAY.format(answer), truth)


def test_a_truth_with_points_and_what_the_model_saw() -> None:
    truth = {"box": [0, 0, 100, 100], "points": [[50, 50], [60, 60]]}
    text = explain(GroundingReward("seg-zero"), SAY.format("[0, 0, 100, 100], (50, 50)"), truth)
    assert "points   (50, 50)" in text
    assert "truth    (0, 0, 100, 100)" in text
    fields: dict[str, Any] = {"space": "pixels-resized", "resize_factor": 32, "max_pixels": 102_400}
    shown = explain(DetectionReward(**fields), SAY.format("[0, 0, 900, 900]"), [[0, 0, 352, 256]], (640, 480))
    assert "box 1    (0, 0, 352, 256) confidence 1 is object 1, IoU 1.000" in shown
    one = explain(GroundingReward(**fields), SAY.format("[0, 0, 900, 900]"), [0, 0, 352, 256], (640, 480))
    assert "box      (0, 0, 352, 256) IoU 1.000" in one


def test_many_are_counted() -> None:
    boxes = [[n, 0, n + 1, 1] for n in range(50)]
    text = explain(DetectionReward(), SAY.format(boxes), [])
    assert "and 30 more boxes" in text
    assert len(text.splitlines()) < 60


REWARDS: list[tuple[Reward, Any]] = [
    *((DetectionReward(name), [[1, 2, 30, 40]]) for name in PROFILES),
    *((GroundingReward(name), [1, 2, 30, 40]) for name in PROFILES),
    *((ClassificationReward(["rose", "lily"], profile=name), "rose") for name in PROFILES),
    (ClassificationReward(), "rose"),
]


PIECES = [
    *"[](){},.:\x1b\x07\r\n\u202e\u2066\u200b\u3164\ud800\x9b",
    *("[1, 2, 30, 40]", "</think>", "<answer>", "</answer>", "\x1b[2J", "rose", "No Objects"),
    *("[30, 40, 1\u202e, 2]", "[9, 9, 1, 1]"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_nothing_reaches_the_terminal_raw(text: str) -> None:
    for reward, truth in REWARDS:
        shown = explain(reward, text, truth)
        assert all(char.isprintable() and char != "\u3164" for char in shown.replace("\n", ""))
        painted = explain(reward, text, truth, colour=True)
        assert ANSI.sub("", painted) == shown


def test_hidden_characters_are_named() -> None:
    assert visible("a\x1b[31m\u202eb\u00a0\ud800\U000e0041\ufe0f") == (
        "a\\x1b[31m\\u202eb\\xa0\\ud800\\U000e0041\\ufe0f"
    )  # fmt: skip
    assert visible("x" * 300) == "x" * 200 + "… (100 more characters)"
    assert visible("ünï 日本") == "ünï 日本"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())
    monkeypatch.setenv("NO_COLOR", "")
    assert wants_colour(Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colour(Terminal())


def test_the_command_prints_no_colours_into_a_pipe(tmp_path: Path, capsys: Any) -> None:
    row = {"completion": SAY.format("\x1b[2J[1, 2, 30, 40]"), "truth": [[1, 2, 30, 40]]}
    (tmp_path / "in").write_text(json.dumps(row), encoding="utf-8")
    assert main(["explain", "--task", "detection", str(tmp_path / "in")]) == 0
    out = capsys.readouterr().out
    assert "\\x1b[2J" in out
    assert "\x1b" not in out
