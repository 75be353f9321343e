"""What a reward costs: `python benchmarks/rewards.py`.

Three tables. The detection reward against two plain versions written here from their description: the released rule
with its math call removed, and the least that plain Python can do. How the time grows with the number of boxes.
And what a megabyte of hostile text costs. Times are the median of several rounds of one process's CPU time, in which
the contenders take turns, so that what else the machine does meets all of them alike; the ratios are what to look at.
Exits with 1 when a limit is passed.
"""

from __future__ import annotations

import json
import math
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from vrft_rewards import (
    ClassificationReward,
    DetectionReward,
    GroundingReward,
    LengthReward,
    OverlongReward,
    RepetitionReward,
    Reward,
)

SIZES = (1, 5, 20, 100)
FASTER = {1: 1.7, 5: 1.7, 20: 3.0, 100: 10.0}
"""How many times as fast as the stripped rule a single call has to be."""
WITHIN = 3.0
"""How many times the least a batch may take."""
GROWTH, HOSTILE_SECONDS = 1.3, 0.2
ROUNDS, BATCH = 9, 64

Box = list[int]
Case = tuple[str, list[Box]]


def cases(boxes: int, count: int) -> list[Case]:
    """Return completions with as many boxes as objects, each near one, in no order, and their truths."""
    rng = random.Random(boxes)
    made = []
    for _ in range(count):
        truth, items = [], []
        for _ in range(boxes):
            x, y, w, h = rng.randrange(780), rng.randrange(780), rng.randrange(20, 190), rng.randrange(20, 190)
            truth.append([x, y, x + w, y + h])
            near = [x + rng.randrange(9), y + rng.randrange(9), x + w + rng.randrange(9), y + h + rng.randrange(9)]
            items.append({"Position": near, "Confidence": rng.randrange(50, 100) / 100})
        rng.shuffle(items)
        made.append((f"<think>I look for the objects in the picture.</think><answer>{items}</answer>", truth))
    return made


def labelled(completion: str) -> str:
    """Return a completion with its boxes as Qwen2.5-VL and Qwen3-VL write them: a fenced list of bbox_2d and label."""
    head, _, answer = completion[:-9].partition("<answer>")
    items = [{"bbox_2d": item["Position"], "label": "object"} for item in json.loads(answer.replace("'", '"'))]
    return f"{head}<answer>```json\n{json.dumps(items)}\n```</answer>"


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the IoU of two boxes, as most code writes it."""
    x1, y1, x2, y2 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    if x2 <= x1 or y2 <= y1:
        return 0.0
    shared = (x2 - x1) * (y2 - y1)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


_ANSWER = re.compile(r"<answer>(.*?)</answer>")
_FORMAT = re.compile(r"<think>.*?</think>\s*<answer>.*?</answer>", re.DOTALL)


def _stripped_matches(completion: str, solution: str) -> tuple[list[float], list[dict[str, Any]], int]:
    found = _ANSWER.search(completion)
    truth_found = _ANSWER.search(solution)
    if found is None or truth_found is None:
        return [], [], 0
    boxes = json.loads(found.group(1).strip().replace("'", '"'))
    truth = json.loads(truth_found.group(1).strip().replace("'", '"'))
    unique: list[dict[str, Any]] = []
    for box in boxes:
        if box["Position"] not in [other["Position"] for other in unique]:
            unique.append(box)
    unique.sort(key=lambda box: box["Confidence"], reverse=True)
    taken: set[int] = set()
    ious = []
    for box in unique:
        best, at = 0.0, -1
        for index, other in enumerate(truth):
            if index not in taken and (value := iou(box["Position"], other["Position"])) > best:
                best, at = value, index
        if best > 0.5:
            taken.add(at)
        ious.append(best if best > 0.5 else 0.0)
    return ious, unique, len(truth)


def stripped(completion: str, solution: str) -> float:
    """Return IoU + confidence + format by the released rule: each reward reads answer and truth for itself."""
    ious, boxes, true = _stripped_matches(completion, solution)
    iou_part = sum(ious) / max(len(boxes), true) if boxes else 0.0
    ious, boxes, true = _stripped_matches(completion, solution)
    paid = [box["Confidence"] if value > 0 else 1 - box["Confidence"] for value, box in zip(ious, boxes, strict=True)]
    confidence = sum(paid) / len(paid) if paid else 0.0
    return iou_part + confidence + (1.0 if _FORMAT.fullmatch(completion) else 0.0)


def least(completion: str, truth: list[Box]) -> float:
    """Return the same number with one decode and bare loops: no checks, no dialects, no reasons."""
    start = completion.find("<answer>") + 8
    boxes = json.loads(completion[start:-9].replace("'", '"'))
    order = sorted(boxes, key=lambda box: box["Confidence"], reverse=True) if len(boxes) > 1 else boxes
    free = list(truth)
    total = paid = 0.0
    for box in order:
        a1, b1, a2, b2 = box["Position"]
        area = (a2 - a1) * (b2 - b1)
        best, chosen = 0.5, None
        for other in free:
            x1, y1, x2, y2 = other
            if x1 >= a2 or x2 <= a1 or y1 >= b2 or y2 <= b1:
                continue
            shared = ((x2 if x2 < a2 else a2) - (x1 if x1 > a1 else a1)) * (
                (y2 if y2 < b2 else b2) - (y1 if y1 > b1 else b1)
            )
            value = shared / (area + (x2 - x1) * (y2 - y1) - shared)
            if value > best:
                best, chosen = value, other
        if chosen is None:
            paid += 1 - box["Confidence"]
        else:
            free.remove(chosen)
            total += best
            paid += box["Confidence"]
    return total / max(len(boxes), len(truth)) + paid / len(boxes) + 1.0


def measure(contenders: dict[str, Callable[[], object]], completions: int) -> dict[str, float]:
    """Return microseconds a completion: the median of rounds in which the contenders take turns."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for call in contenders.values():
        call()
    for _ in range(ROUNDS):
        for name, call in contenders.items():
            start = time.process_time_ns()
            call()
            times[name].append((time.process_time_ns() - start) / 1000 / completions)
    return {name: statistics.median(values) for name, values in times.items()}


def speed() -> tuple[bool, dict[int, dict[str, float]]]:
    """Print what a completion costs and how that compares."""
    fits, rows = True, {}
    print(
        "| boxes | `score` | stripped | times as fast | limit | `score_batch` | least | times the least | limit "
        "| `score` of `bbox_2d` |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    reward, released = DetectionReward(), DetectionReward("visual-rft")
    for boxes in SIZES:
        made = cases(boxes, BATCH) * (1 if boxes > 20 else 8)
        texts, truths = [case[0] for case in made], [case[1] for case in made]
        solutions = [f"<answer>{[{'Position': box} for box in truth]}</answer>" for truth in truths]
        pairs, solved = list(zip(texts, truths, strict=True)), list(zip(texts, solutions, strict=True))
        for (text, truth), (_, solution) in zip(pairs, solved, strict=True):  # they compute the same thing
            value = released.score(text, truth).value
            assert math.isclose(value, stripped(text, solution)), (value, stripped(text, solution))
            assert math.isclose(value, least(text, truth))
        qwen = [(labelled(text), truth) for text, truth in pairs]
        assert reward.score(*qwen[0]).parts["iou"] == reward.score(*pairs[0]).parts["iou"]
        few = solved[: max(4, len(solved) // boxes)]
        row = measure(
            {
                "score": lambda pairs=pairs: [reward.score(text, truth) for text, truth in pairs],  # type: ignore[misc]
                "batch": lambda texts=texts, truths=truths: reward.score_batch(texts, truths),  # type: ignore[misc]
                "least": lambda pairs=pairs: [least(text, truth) for text, truth in pairs],  # type: ignore[misc]
                "qwen": lambda qwen=qwen: [reward.score(text, truth) for text, truth in qwen],  # type: ignore[misc]
            },
            len(pairs),
        ) | measure({"stripped": lambda few=few: [stripped(*case) for case in few]}, len(few))  # type: ignore[misc]
        rows[boxes] = row
        faster, slower = row["stripped"] / row["score"], row["batch"] / row["least"]
        fits = fits and faster >= FASTER[boxes] and slower <= WITHIN
        print(
            f"| {boxes} | {row['score']:.1f} us | {row['stripped']:.1f} us | {faster:.1f} | {FASTER[boxes]:g} "
            f"| {row['batch']:.1f} us | {row['least']:.1f} us | {slower:.2f} | {WITHIN:g} | {row['qwen']:.1f} us |",
            flush=True,
        )
    return fits, rows


def growth(rows: dict[int, dict[str, float]]) -> bool:
    """Print the exponent with which time grows from 5 to 100 boxes."""
    fits = True
    print("\n| 5 to 100 boxes | time grows as n to the power of | limit |\n|---|---|---|")
    for name in ("score", "batch"):
        exponent = math.log(rows[100][name] / rows[5][name]) / math.log(20)
        fits = fits and exponent <= GROWTH
        print(f"| `{'score_batch' if name == 'batch' else 'score'}` | {exponent:.2f} | {GROWTH} |")
    return fits


MEGABYTE = 1_000_000
ITEM = "{'Position': [1, 2, 30, 40], 'Confidence': 0.5}, "
HOSTILE: dict[str, Callable[[int], str]] = {
    "unclosed answers": lambda n: "<answer>" * (n // 8),
    "empty blocks": lambda n: "<think>" + "</think><answer></answer>" * (n // 25),
    "closes and space": lambda n: "<think>" + ("</think>" + " " * 200) * (n // 208) + "</answer>",
    "nested brackets": lambda n: "<answer>" + "[" * n,
    "nested braces": lambda n: "<answer>" + "{'Position':" * (n // 12),
    "digits": lambda n: "<answer>[1, 2, 3, " + "4" * n + "]</answer>",
    "quotes and keys": lambda n: "<answer>" + "'label': '" * (n // 10) + "</answer>",
    "canonical boxes": lambda n: "<think>a</think><answer>[" + ITEM * (n // 49) + "]</answer>",
    "boxes, last one cut": lambda n: "<answer>[" + ITEM * (131_000 // 49) + "{'Position': [1" + " " * (n - 131_000),
    "points": lambda n: "<answer>" + "(1,2)," * (n // 6) + "</answer>",
    "words": lambda n: "<answer>" + "rose " * (n // 5) + "</answer>",
    "one word": lambda n: "<answer>" + "rose" * (n // 4) + "</answer>",
    "no, no": lambda n: "<answer>" + "no " * (n // 3) + "</answer>",
    "surrogates": lambda n: "<answer>" + "\ud800" * n,
    "white space": lambda n: "<answer>" + " " * n + "</answer>",
    "brackets and think tags": lambda n: "<think>" * (n // 14) + "<" * (n // 2),
}
REWARDS: dict[str, tuple[Reward, Any]] = {
    "detection": (DetectionReward(), [[10, 20, 300, 400]] * 20),
    "detection, visual-rft": (DetectionReward("visual-rft"), [[10, 20, 300, 400]]),
    "detection, vlm-r1": (DetectionReward("vlm-r1"), [[10, 20, 300, 400]] * 20),
    "classification": (ClassificationReward(["rose", "desert rose"]), "rose"),
    "grounding": (GroundingReward(), [10, 20, 300, 400]),
    "grounding, seg-zero": (GroundingReward("seg-zero"), {"box": [10, 20, 300, 400], "points": [[50, 60], [90, 90]]}),
    "length": (LengthReward(10, 500), None),
    "repetition": (RepetitionReward(), None),
    "overlong": (OverlongReward(512, 128), None),
}


def hostile() -> bool:
    """Print the worst hostile text of each reward."""
    fits = True
    print("\n| 1 MB of hostile text | the slowest | seconds | limit |\n|---|---|---|---|")
    texts = {name: make(MEGABYTE) for name, make in HOSTILE.items()}
    for name, (reward, truth) in REWARDS.items():
        worst = (0.0, "")
        for kind, text in texts.items():
            runs = []
            for _ in range(2):
                start = time.process_time()
                reward.score(text, truth)
                runs.append(time.process_time() - start)
            worst = max(worst, (min(runs), kind))
        fits = fits and worst[0] <= HOSTILE_SECONDS
        print(f"| {name} | {worst[1]} | {worst[0]:.3f} | {HOSTILE_SECONDS} |", flush=True)
    return fits


def main() -> int:
    """Print the tables; exit with 1 when a limit is passed."""
    fast, rows = speed()
    linear = growth(rows)
    total = hostile()
    return 0 if fast and linear and total else 1


if __name__ == "__main__":
    sys.exit(main())
