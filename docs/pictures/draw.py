"""The pictures of the concepts page, drawn from what the package computes: python docs/pictures/draw.py.

Everything shown (boxes read, pairs, IoU, rewards) comes out of vrft_rewards; tests/docs/test_pictures.py holds the
committed files to this script.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from vrft_rewards import (
    PROFILES,
    DetectionReward,
    Space,
    from_pixels,
    match_boxes,
    parse_detections,
    parse_response,
    smart_resize,
)

STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "vrft",
}
TRUE, HIT, WRONG, GREY = "#1b9e77", "#3f51b5", "#d95f02", "#9e9e9e"
Box = Sequence[float]


def answers() -> Any:
    """An answer as models write it, and what is read of it."""
    completion = (
        "<think>Two buses, maybe a\nthird one.</think>\n<answer>```json\n"
        "[{'Position': [80, 120, 430, 560],\n  'Confidence': 0.9},\n"
        ' {"bbox_2d": [500, 200, 900, 620],\n  "score": "75%"},\n'
        " {'Position': [700, 900, 600, 800]},\n {'Position': [910, 6"
    )
    found = parse_detections(parse_response(completion).answer)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), width_ratios=[1.15, 1])
    left.set_title("what the model wrote", loc="left")
    left.axis("off")
    unbroken = completion.replace(" ", "\N{NO-BREAK SPACE}")  # SVG would let the indent go
    for row, line in enumerate(unbroken.splitlines()):
        left.text(0, 0.95 - row * 0.095, line, family="monospace", fontsize=9, transform=left.transAxes)
    right.set_title("what is read", loc="left")
    _canvas(right, 1000, 1000)
    for box, score in zip(found.boxes.tolist(), found.scores.tolist(), strict=True):
        _draw(right, box, HIT, f"{score:.2f}")
    issues = "\n".join(f"{issue.kind}: {issue.text[:32]}" for issue in found.issues)
    right.text(20, 990, issues, fontsize=8, color=WRONG, va="bottom")
    return figure


def coordinates() -> Any:
    """One box of one image in the four spaces."""
    size, box = (1280, 720), [320.0, 180.0, 960.0, 540.0]
    resized = smart_resize(size, max_pixels=401_408)
    spaces: dict[Space, tuple[float, float]] = {
        "pixels": size,
        "pixels-resized": resized,
        "norm1000": (1000, 1000),
        "norm1": (1, 1),
    }
    figure, panels = plt.subplots(1, 4, figsize=(9, 2.3))
    for panel, (space, (width, height)) in zip(panels, spaces.items(), strict=True):
        _canvas(panel, width, height, aspect=size[1] / size[0])
        written = np.asarray(from_pixels([box], space, size, resized_size=resized))[0].tolist()
        _draw(panel, written, HIT)
        panel.set_title(space, loc="left")
        panel.set_xlabel("[" + ", ".join(f"{value:g}" for value in np.round(written, 2)) + "]")
        panel.set_xticks([0, width])
        panel.set_yticks([0, height])
    return figure


def matching() -> Any:
    """Greedy and optimal matching of the same boxes."""
    truth = [[100, 150, 420, 500], [300, 150, 620, 500], [700, 550, 920, 880]]
    predicted = [[205, 150, 525, 500], [310, 160, 640, 510], [60, 620, 260, 900]]
    scores = [0.9, 0.8, 0.6]
    figure, panels = plt.subplots(1, 2, figsize=(8, 3.6))
    for panel, method in zip(panels, ("greedy", "optimal"), strict=True):
        found = match_boxes(predicted, scores, truth, threshold=0.5, method=method)  # type: ignore[arg-type]
        _canvas(panel, 1000, 1000)
        for name, box in zip("ABC", truth, strict=True):
            panel.add_patch(Rectangle(box[:2], box[2] - box[0], box[3] - box[1], color=TRUE, alpha=0.18))
            panel.text(box[0] + 12, box[3] - 14, name, color=TRUE, weight="bold", va="bottom")
        for box, score, true, iou in zip(predicted, scores, found.truth_of, found.iou, strict=True):
            said = f"{score:.1f}: {'ABC'[true]}, IoU {iou:.2f}" if true >= 0 else f"{score:.1f}: wrong"
            _draw(panel, box, HIT if true >= 0 else WRONG, said, below=score == scores[1])
        panel.set_title(f"{method}: {found.hits} hits, {found.wrong} wrong, {found.missed} missed", loc="left")
    return figure


def rewards() -> Any:
    """How the IoU part counts boxes, and what a stated confidence earns on average."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.3))
    truth = [[10 + 240 * k, 10, 200 + 240 * k, 200] for k in range(4)]
    wrong = [[10 + 240 * k, 500, 200 + 240 * k, 700] for k in range(4)]
    for profile, rule in (("default", "(n + m) / 2"), ("paper", "n"), ("visual-rft", "max(n, m)")):
        counts = range(1, 9)
        values = [_parts((truth + wrong)[:n], [1.0] * n, truth, profile)["iou"] for n in counts]
        left.plot(counts, values, marker="o", markersize=3, label=f"{profile}: {rule}")
    left.set(title="IoU part: 4 objects, first found, then invented", xlabel="boxes given", ylim=(0, 1.05))
    left.axvline(4, color=GREY, linewidth=0.8, linestyle=":")
    left.legend(frameon=False, fontsize=8)
    stated = np.linspace(0, 1, 41)
    for chance, colour in ((0.3, WRONG), (0.7, HIT)):
        for profile, dashes in (("default", "-"), ("paper", "--")):
            expected = [
                chance * _parts(truth[:1], [value], truth[:1], profile)["confidence"]
                + (1 - chance) * _parts(wrong[:1], [value], truth[:1], profile)["confidence"]
                for value in stated
            ]
            right.plot(stated, expected, dashes, color=colour, label=f"{profile}, right {chance:.0%} of the time")
            best = int(np.argmax(expected))
            right.plot(stated[best], expected[best], "o", color=colour, markersize=5)
    right.set(title="Confidence part: its mean, best at the dot", xlabel="confidence stated", ylim=(0, 1.05))
    right.legend(frameon=False, fontsize=8)
    return figure


def profiles() -> Any:
    """The same answers under the profiles, as a share of what each can pay."""
    one, two, far = [100, 100, 400, 400], [600, 600, 900, 900], [450, 50, 560, 160]
    cases = {
        "both objects, sure": ([one, two], [1.0, 1.0], [one, two]),
        "one of the two, sure": ([one], [1.0], [one, two]),
        "both, and a wrong box at 0": ([one, two, far], [1.0, 1.0, 0.0], [one, two]),
        "wrong boxes at 0 only": ([far], [0.0], [one]),
        "a box twice": ([one, one], [1.0, 1.0], [one]),
        "'No Objects', rightly": ([], [], []),
    }
    figure, axes = plt.subplots(figsize=(8, 3.6))
    for place, (profile, colour) in enumerate(
        zip(("default", "paper", "visual-rft", "vlm-r1"), (HIT, TRUE, WRONG, GREY), strict=True)
    ):
        assert profile in PROFILES
        shares = [
            DetectionReward(profile).score(_say(boxes, scores), truth).value / DetectionReward(profile).bounds[1]
            for boxes, scores, truth in cases.values()
        ]
        rows = np.arange(len(cases)) + place * 0.2 - 0.3
        axes.barh(rows, shares, height=0.18, color=colour, label=profile)
    axes.set_yticks(range(len(cases)), list(cases))
    axes.invert_yaxis()
    axes.set(xlabel="share of the highest reward", xlim=(0, 1.02))
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _say(boxes: Sequence[Box], scores: Sequence[float]) -> str:
    items = [{"Position": list(box), "Confidence": score} for box, score in zip(boxes, scores, strict=True)]
    return f"<think>I look.</think><answer>{items or 'No Objects'}</answer>"


def _parts(boxes: Sequence[Box], scores: Sequence[float], truth: Sequence[Box], profile: str) -> Any:
    return DetectionReward(profile).score(_say(boxes, scores), truth).parts


def _canvas(axes: Any, width: float, height: float, aspect: float = 1.0) -> None:
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    axes.set_box_aspect(aspect)
    for spine in axes.spines.values():
        spine.set(visible=True, color=GREY)


def _draw(axes: Any, box: Box, colour: str, text: str = "", *, below: bool = False) -> None:
    axes.add_patch(Rectangle((box[0], box[1]), box[2] - box[0], box[3] - box[1], fill=False, color=colour, linewidth=2))
    height, side = (box[3] + 10, "top") if below else (box[1] - 10, "bottom")
    axes.text(box[0] + 8, height, text, color=colour, fontsize=9, va=side)


PICTURES: tuple[Callable[[], Any], ...] = (answers, coordinates, matching, rewards, profiles)


def draw(folder: Path) -> None:
    """Write every picture into a folder, as SVG."""
    with matplotlib.rc_context(STYLE):
        for picture in PICTURES:
            figure = picture()
            figure.tight_layout()
            figure.savefig(folder / f"{picture.__name__}.svg", metadata={"Date": None, "Creator": None})
            plt.close(figure)


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
