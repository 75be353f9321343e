"""Run our adapters inside the real frameworks: ``python tests/frameworks/run.py [NAME ...]``.

Each framework gets an environment under .venv-frameworks/ (made once, kept), and its scripts run there: the adapter's
check, and where docs/frameworks has an example the example's, on data that prepare.py makes. What can't be run is
listed with the reason and never counted as passed. Exit code 1 when a check fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from environments import CHECKS, ENVIRONMENTS, Check

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv-frameworks"
SETS = FOLDER / "sets"
# torchvision beside a torch without CUDA.
VISION = ROOT / "tests" / "vllm_engine" / "cpu_torchvision.py"
# What the adapters themselves need; vrft is read from the checkout.
LAST = (("numpy>=1.24", "pydantic>=2.6", "rapidfuzz>=3.6", "scipy>=1.10", "shapely>=2.0"),)


def main(names: list[str]) -> int:
    """Run the named checks, or all of them, and print a line for each."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    if any(CHECKS[name].example for name in names or CHECKS):
        subprocess.run(
            [sys.executable, str(Path(__file__).with_name("prepare.py")), str(SETS)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            check=True,
        )
    outcomes: dict[str, tuple[str, str]] = {}
    for name in names or CHECKS:
        print(f"== {name}", flush=True)
        started = time.monotonic()
        outcome, note = _run(CHECKS[name])
        outcomes[name] = outcome, note or f"{time.monotonic() - started:.0f} s"
        print(f"== {name}: {outcome}" + (f": {note}" if note else ""), flush=True)
    print()
    for name, (outcome, note) in outcomes.items():
        print(f"{name:17} {outcome:8} {note}")
    counts = [sum(outcome == kind for outcome, _ in outcomes.values()) for kind in ("passed", "failed", "not run")]
    print(f"{counts[0]} passed, {counts[1]} failed, {counts[2]} skipped")
    return 1 if counts[1] else 0


def _run(check: Check) -> tuple[str, str]:
    paths = [str(ROOT)]
    if check.checkout is not None:
        checkout = os.environ.get(check.checkout, "")
        if not checkout:
            return "not run", f"no package index has it; set {check.checkout} to a checkout of {check.source}"
        paths.insert(0, str(Path(checkout).resolve()))
    python = Path(sys.executable)
    if check.environment is not None:
        built = _environment(check.environment)
        if isinstance(built, str):
            return "not run", built
        python = built
    surroundings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "CUDA_VISIBLE_DEVICES": "",
        "VRFT_SETS": str(SETS),
    }
    # An adapter's check is away from the repository's root, so that nothing there is imported by accident of where we
    # are; an example's commands are given there.
    for script, place in ((check.script, FOLDER), (check.example, ROOT)):
        if script is None:
            continue
        command = [str(python), str(Path(__file__).with_name(script))]
        done = subprocess.run(command, cwd=place, env=surroundings, check=False)
        if done.returncode:
            return "failed", f"{script}: exit code {done.returncode}"
    return "passed", ""


def _environment(name: str) -> Path | str:
    """Return the environment's Python, made when it isn't there yet, or why it can't be made."""
    folder = FOLDER / name
    python = folder / "bin" / "python"
    stamp = folder / ".steps"
    steps = [*ENVIRONMENTS[name].steps, *LAST]
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == repr(steps):
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    for step in steps:
        print("pip install " + " ".join(step), flush=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *step]
        done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            return f"pip install {' '.join(step)}: {(errors or ['failed'])[-1]}"
    if any(argument.startswith("torchvision") for step in steps for argument in step):
        subprocess.run([str(python), str(VISION)], check=True)
    stamp.write_text(repr(steps), encoding="utf-8")
    return python


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    sys.exit(main(sys.argv[1:]))
