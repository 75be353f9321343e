"""Training curves as one SVG, drawn from the logs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Line:
    """One measure of one log; lines of one number have one colour."""

    label: str
    log: Path
    measure: str
    number: int


def draw_curves(panels: dict[str, list[Line]], target: Path, columns: int = 3) -> None:
    """Write one panel a title. The lines of one colour in a panel differ in their dashes."""
    mpl.rcParams["svg.hashsalt"] = "vrft"  # the same logs give the same file
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(11, 3 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, (title, lines) in zip(grid.flat, panels.items(), strict=False):
        drawn: dict[int, int] = {}
        for line in lines:
            dash = ("-", "--", ":")[drawn.setdefault(line.number, 0) % 3]
            drawn[line.number] += 1
            steps, values = read(line.log, line.measure)
            axes.plot(steps, values, dash, color=f"C{line.number}", label=line.label, linewidth=1.2)
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
