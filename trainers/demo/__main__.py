"""Fine-tune one base by right answers and by rewards, on the same images, and report: `python -m trainers.demo`."""

from __future__ import annotations

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from trainers.demo.proof import Proof, run_proof
from trainers.demo.proof_report import write_report


def main() -> None:
    """Train every arm, measure, write the report."""
    default = Proof()
    parser = argparse.ArgumentParser(prog="python -m trainers.demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("training-runs/demo"), help="continued when it is there")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, one core each (default: 2)")
    parser.add_argument("--images", type=int, default=300, help="held-out images a task (default: 300)")
    parser.add_argument("--train-images", type=int, default=default.images, help=f"default: {default.images}")
    parser.add_argument("--steps", type=int, default=default.steps, help=f"default: {default.steps}")
    parser.add_argument("--prompts", type=int, default=default.prompts, help=f"a step; default: {default.prompts}")
    options = parser.parse_args()

    proof = Proof(images=options.train_images, steps=options.steps, prompts=options.prompts)
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        trained = run_proof(options.out, options.seeds, proof, options.images, pool)
    print(write_report(options.out, proof, trained, options.images))
    print(f"report: {options.out / 'report.md'}")


if __name__ == "__main__":
    main()
