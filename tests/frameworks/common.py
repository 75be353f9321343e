"""Rows that every framework's check uses, and what they must earn."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager

RIGHT = "<think>One.</think><answer>[{'Position': [0, 0, 500, 500], 'Confidence': 1.0}]</answer>"
HALF = "<think>One.</think><answer>[{'Position': [0, 0, 250, 500], 'Confidence': 1.0}]</answer>"
WRONG = "I can't see any."
HOSTILE = "<answer>[[1e999, nan, -1, 0]]" + "<answer>[" * 500
TRUTH = [[0, 0, 500, 500]]
TRUTH_TEXT = json.dumps(TRUTH)
COMPLETIONS = [RIGHT, HALF, WRONG, HOSTILE]
PARTS = ("iou", "confidence", "format")


def expected() -> list[float]:
    """Return what the reward itself says of `COMPLETIONS`."""
    from vrft_rewards import DetectionReward

    values = [DetectionReward().score(text, TRUTH).value for text in COMPLETIONS]
    assert values[0] == 3.0
    assert values[2] == values[3] == 0.0
    return values


def check_same(values: list[float], what: str) -> None:
    """Check that a framework ended up with the rewards of `COMPLETIONS`, and print them."""
    wanted = expected()
    assert len(values) == len(wanted), values
    for value, reward in zip(values, wanted, strict=True):
        assert math.isfinite(value)
        assert math.isclose(value, reward, rel_tol=1e-6), (values, wanted)
    print(f"{what}: {[round(value, 4) for value in values]}")


@contextmanager
def refused(kind: type[Exception], text: str) -> Iterator[None]:
    """Check that a bad truth is refused with this text, and print how."""
    try:
        yield
    except kind as error:
        if text not in str(error):
            raise
        print(f"bad truth: {error}")
    else:
        raise AssertionError("a bad truth passed")
