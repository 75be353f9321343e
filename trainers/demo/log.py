"""A training log: JSON Lines on disk, a line on the terminal now and then."""

from __future__ import annotations

import json
import time
from pathlib import Path


class Log:
    """Averages what it is given over `every` steps and writes one line for them."""

    def __init__(self, path: Path, every: int = 25) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.every = every
        self.start = time.perf_counter()
        self._values: dict[str, list[float]] = {}

    def add(self, step: int, values: dict[str, float]) -> None:
        """Take in the values of one step; not every step needs to have all of them."""
        for name, value in values.items():
            self._values.setdefault(name, []).append(value)
        if (step + 1) % self.every == 0:
            self.write(step + 1, {name: sum(items) / len(items) for name, items in self._values.items()})
            self._values = {}

    def write(self, step: int, values: dict[str, float]) -> None:
        """Write one line now."""
        line = {"step": step, "seconds": round(time.perf_counter() - self.start, 1)}
        line |= {name: round(value, 4) for name, value in values.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(self.path.parent.name, json.dumps(line), flush=True)  # seeds run side by side
