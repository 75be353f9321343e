"""The training curves of all seeds as one SVG, drawn from the logs."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

PANELS = (
    ("log-sft.jsonl", "Words: decisions right", ("words/decisions",)),
    ("log-sft.jsonl", "Vision tower: edges right", ("vision/edges",)),
    ("log-sft.jsonl", "SFT: loss and decisions right", ("sft/loss", "sft/decisions")),
    ("log-grpo.jsonl", "GRPO: mean reward", ("grpo/reward",)),
    (
        "log-grpo.jsonl",
        "GRPO: detection",
        ("grpo/reward_parts/detection/iou", "grpo/reward_parts/detection/confidence"),
    ),
    (
        "log-grpo.jsonl",
        "GRPO: other tasks",
        ("grpo/reward_parts/classification/accuracy", "grpo/reward_parts/grounding/giou"),
    ),
)


def draw_curves(seeds: dict[int, Path], target: Path) -> None:
    """Write one panel a measure and one line a seed."""
    mpl.rcParams["svg.hashsalt"] = "vrft"  # the same logs give the same file
    figure = Figure(figsize=(11, 6), layout="constrained")
    for axes, (file, title, names) in zip(figure.subplots(2, 3).flat, PANELS, strict=True):
        for seed, folder in seeds.items():
            for name, style in zip(names, ("-", "--"), strict=False):
                steps, values = read(folder / file, name)
                label = f"seed {seed}" if len(names) == 1 else f"{name.rsplit('/', 1)[1]}, seed {seed}"
                axes.plot(steps, values, style, color=f"C{seed}", label=label, linewidth=1.2)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
        axes.legend(fontsize=7, frameon=False)
    figure.savefig(target, metadata={"Date": None})


def read(path: Path, name: str) -> tuple[list[int], list[float]]:
    """The steps and values of one measure. A log that was continued keeps only the last line of each step."""
    found: dict[int, float] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if name in row:
            found[row["step"]] = row[name]
    return list(found), list(found.values())
