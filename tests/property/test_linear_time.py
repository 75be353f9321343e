"""Hostile text costs time in proportion to its size: eight times the text, never twenty-four times the time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from vrft_rewards import (
    ClassificationReward,
    DetectionReward,
    GroundingReward,
    LabelMatcher,
    parse_response,
    visual_rft_format,
)

HOSTILE: dict[str, Callable[[int], str]] = {
    "unclosed answers": lambda n: "<answer>" * (n // 8),
    "one unclosed answer": lambda n: "<think>a</think><answer>" + "x" * n,
    "repeated closes": lambda n: "<think>" + "</think><answer></answer>" * (n // 25),
    "repeated closes and space": lambda n: "<think>" + "</think> \n<answer></answer>x" * (n // 28),
    "think closes and space": lambda n: "<think>" + ("</think>" + " " * 200) * (n // 208) + "</answer>",
    "open tags and space": lambda n: ("<" + " " * 40) * (n // 41),
    "nested brackets": lambda n: "<answer>" + "[" * n,
    "nested braces": lambda n: "<answer>" + "{'Position':" * (n // 12),
    "digits": lambda n: "<answer>[1, 2, 3, " + "4" * n + "]</answer>",
    "digits and points": lambda n: "<answer>[" + "1." * (n // 2) + "]</answer>",
    "exponents": lambda n: "<answer>[" + "1e" * (n // 2) + "]</answer>",
    "quotes": lambda n: "<answer>" + "'label': '" * (n // 10) + "</answer>",
    "label keys and quotes": lambda n: "<answer>" + ("label:'" + "' " * 60) * (n // 127) + "</answer>",
    "no": lambda n: "<answer>" + "no " * (n // 3) + "</answer>",
    "spaces": lambda n: "<answer>" + " " * n + "</answer>",
    "boxes": lambda n: "<answer>" + "[1, 2, 3, 4]," * (n // 13) + "</answer>",
    "boxes and one confidence": lambda n: "<answer>{" + "[1,2,3,4]" * (n // 9) + "'confidence': 1}</answer>",
    "boxes and confidences": lambda n: "<answer>" + "[1,2,3,4],'confidence': 1," * (n // 26) + "</answer>",
    "points": lambda n: "<answer>" + "(1,2)," * (n // 6) + "</answer>",
    "words": lambda n: "<answer>" + "rose " * (n // 5) + "</answer>",
    "one word": lambda n: "<answer>" + "rose" * (n // 4) + "</answer>",
    "surrogates": lambda n: "<answer>" + "\ud800" * n,
    "zeros": lambda n: "<answer>" + "\0" * n,
    "unicode digits": lambda n: "<answer>[" + "１," * (n // 2) + "]</answer>",
}
SMALL, LARGE = 125_000, 1_000_000
REWARDS = [
    (DetectionReward(), [[10, 20, 300, 400]]),
    (DetectionReward("visual-rft"), [[10, 20, 300, 400]]),
    (GroundingReward(), [10, 20, 300, 400]),
    (ClassificationReward(["rose", "desert rose"]), "rose"),
]


def seconds(text: str) -> float:
    """Return the least of two runs of everything that reads text."""
    runs = []
    for _ in range(2):
        start = time.process_time()
        parse_response(text)
        visual_rft_format(text)
        LabelMatcher(["rose", "desert rose"]).match(text)
        for reward, truth in REWARDS:
            score = reward.score(text, truth)
            assert reward.bounds[0] <= score.value <= reward.bounds[1]
        runs.append(time.process_time() - start)
    return min(runs)


@pytest.mark.parametrize("name", list(HOSTILE))
def test_time_grows_with_the_size(name: str) -> None:
    small, large = seconds(HOSTILE[name](SMALL)), seconds(HOSTILE[name](LARGE))
    # The ratio is 8 for linear work and 64 for quadratic; a floor keeps noise of tiny times out.
    assert large <= 24 * max(small, 0.02), f"{small:.3f} s for {SMALL}, {large:.3f} s for {LARGE}"
    assert large < 20


def test_thousands_of_boxes_against_thousands() -> None:
    boxes = [[x, y, x + 9, y + 9] for x in range(0, 990, 10) for y in range(0, 990, 10)]
    answer = "<think>a</think><answer>" + str(boxes) + "</answer>"
    score = DetectionReward().score(answer, boxes)
    assert 0 < score.parts["iou"] < 0.2  # only the first 1,000 count
    assert len(score.reason) < 500
