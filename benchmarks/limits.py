"""The sizes and times this project promises, measured: `python benchmarks/limits.py`.

Each row is a share of its limit, so that the table reads the same on every machine; the demo's 90 seconds are
meant for 2 cores.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON = sys.executable


def seconds(command: list[str]) -> float:
    """Wall-clock time of a command that must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - start


def import_time() -> float:
    """Median of seven fresh interpreters, less what an empty one costs."""
    empty = statistics.median(seconds([PYTHON, "-c", "pass"]) for _ in range(7))
    return statistics.median(seconds([PYTHON, "-c", "import vrft_rewards"]) for _ in range(7)) - empty


def demo_time() -> float:
    """`vrft-eval demo` from the command line to the written report."""
    with tempfile.TemporaryDirectory() as folder:
        return seconds([str(Path(PYTHON).with_name("vrft-eval")), "demo", "--out", f"{folder}/demo"])


def wheel_size() -> float:
    """Megabytes of the built wheel."""
    with tempfile.TemporaryDirectory() as folder:
        seconds([PYTHON, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(ROOT)])
        return next(Path(folder).glob("*.whl")).stat().st_size / 1e6


ROWS: list[tuple[str, Callable[[], float], float, str]] = [
    ("import vrft_rewards", import_time, 0.4, "s"),
    ("vrft-eval demo", demo_time, 90, "s"),
    ("wheel", wheel_size, 30, "MB"),
]


def main() -> int:
    """Print the table; exit with 1 when a limit is passed."""
    passed = True
    print("| what | limit | used |\n|---|---|---|")
    for name, measure, limit, unit in ROWS:
        share = measure() / limit
        passed = passed and share < 1
        print(f"| {name} | {limit:g} {unit} | {share:.0%} |", flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
