"""Fine-tune one base by right answers and by rewards, on the same images, and report: `python -m trainers.demo`."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.queues import Queue
from pathlib import Path

import torch

from trainers.demo.proof import Proof, run_proof
from trainers.demo.proof_report import write_report
from vrft_eval.errors import InputError


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
    parser.add_argument(
        "--rate", type=float, default=default.rate, help=f"of learning by rewards; default: {default.rate}"
    )
    options = parser.parse_args()

    proof = Proof(images=options.train_images, steps=options.steps, prompts=options.prompts, rate=options.rate)
    context = multiprocessing.get_context("spawn")
    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    names = named or [str(number) for number in range(torch.cuda.device_count())]
    gpus: Queue[str] = context.Queue()
    for job in range(options.jobs):
        gpus.put(names[job % len(names)] if names else "")
    with ProcessPoolExecutor(options.jobs, context, take_a_gpu, (gpus,)) as pool:
        try:
            trained = run_proof(options.out, options.seeds, proof, options.images, pool)
        except InputError as error:
            sys.exit(f"error: {error}")
    print(write_report(options.out, proof, trained, options.images))
    print(f"report: {options.out / 'report.md'}")


def take_a_gpu(gpus: Queue[str]) -> None:
    """Show a process one GPU, where there are any: TRL refuses to train in one process on several."""
    name = gpus.get()
    if name:
        os.environ["CUDA_VISIBLE_DEVICES"] = name


if __name__ == "__main__":
    main()
