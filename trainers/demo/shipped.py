"""Train the shipped checkpoints from nothing: `python -m trainers.demo.shipped`."""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from trainers.demo.log import Log
from trainers.demo.pipeline import Plan, train_seed
from trainers.demo.results import write_results
from trainers.demo.sam import train_sam
from vrft_eval import demo

CHECKPOINTS = Path(demo.__file__).parent / "checkpoints"


def main() -> None:
    """Train every seed, train the SAM, measure, and with --install put the best seed into the package."""
    parser = argparse.ArgumentParser(prog="python -m trainers.demo.shipped", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("training-runs/shipped"), help="continued when it is there")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="one pipeline each (default: 0 1)")
    parser.add_argument("--jobs", type=int, default=2, help="seeds trained at a time, one core each (default: 2)")
    parser.add_argument("--images", type=int, default=200, help="held-out images a task (default: 200)")
    parser.add_argument("--install", action="store_true", help="replace the checkpoints that ship with vrft_eval")
    options = parser.parse_args()

    seeds = {seed: options.out / f"seed-{seed}" for seed in options.seeds}
    # Seeds run side by side on one core each: that is twice as quick as one after the other on two.
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(train_seed, seed, folder, Plan()) for seed, folder in seeds.items()]
        sam = options.out / "sam"
        if not (sam / "training.json").is_file():
            pool.submit(train_sam, sam, log=Log(options.out / "log-sam.jsonl")).result()
        for job in jobs:
            job.result()
    chosen = write_results(seeds, options.out, sam, options.images)
    print((options.out / "results.md").read_text(encoding="utf-8"))
    if options.install:
        for name, source in (("sft", seeds[chosen] / "sft"), ("rft", seeds[chosen] / "rft"), ("sam", sam)):
            shutil.rmtree(CHECKPOINTS / name, ignore_errors=True)
            shutil.copytree(source, CHECKPOINTS / name)
        print(f"seed {chosen} is installed in {CHECKPOINTS}")


if __name__ == "__main__":
    main()
