"""What the checks of the examples in docs/frameworks share: their commands, the prepared rows, what must be paid."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "frameworks"
CHECKPOINT = ROOT / "vrft_eval" / "demo" / "checkpoints" / "sft"
SETS = Path(os.environ["VRFT_SETS"])
"""What `prepare.py` wrote."""
_IMAGE = re.compile(r"(?:<\|image_pad\|>)+")


@dataclass(frozen=True)
class Row:
    """A row of the training set, and an answer that a real model gave."""

    id: str
    question: str
    boxes: list[list[float]]
    answer: str

    @property
    def reward(self) -> float:
        """What the reward itself says of the answer."""
        from vrft_rewards import DetectionReward

        return DetectionReward().score(self.answer, self.boxes).value


def prepared() -> list[Row]:
    """The rows in their order. Fails where they can't tell a right reward from a wrong one."""
    lines = (SETS / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [Row(**json.loads(line)) for line in lines]
    rewards = [row.reward for row in rows]
    assert len(rows) == 32, len(rows)
    assert min(rewards) < 1.5, rewards
    assert max(rewards) == 3.0, rewards
    assert len(set(rewards)) > 8, rewards
    return rows


def check_rewards(paid: list[float], rows: list[Row], what: str) -> None:
    """Check that a framework paid for each answer what the reward says, and print the mean."""
    wanted = [row.reward for row in rows]
    assert len(paid) == len(wanted), (len(paid), len(wanted))
    for value, reward, row in zip(paid, wanted, rows, strict=True):
        assert math.isclose(value, reward, rel_tol=1e-6), (row, value, reward)
    kinds = len(set(wanted))
    print(f"{what}: {len(paid)} answers of the shipped model paid as the reward pays them, {kinds} different rewards")


def check_prompt(text: str, row: Row, newline: str = "\n") -> None:
    """Check that a prompt, decoded with its special tokens, is the harness's with the image where its line was."""
    said = _IMAGE.sub("<|image_pad|>", text)
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    wanted = f"<|im_start|>user\n{image}{newline}{row.question}<|im_end|>\n<|im_start|>assistant\n"
    assert said == wanted, (said, wanted)


def launch_line(page: str, *program: str) -> list[str]:
    """The arguments that the first line of a page with this program gives it, as a shell splits them."""
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        try:
            words = shlex.split(line)
        except ValueError:  # a line of prose with an apostrophe
            continue
        for start in range(len(words)):
            if tuple(words[start : start + len(program)]) == program:
                return words[start + len(program) :]
    raise AssertionError(f"{page}.md: no line runs {' '.join(program)}")
