"""What the training came to, in vrft-eval's own numbers: every seed, before and after GRPO, the same images."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path

from trainers.demo.curves import draw_curves
from vrft_eval.commands import DataPaths, Generation, SharedBackend, carry_out, make_reading, plan_run
from vrft_eval.demo.data import write_dataset
from vrft_eval.demo_command import TEMPERATURES
from vrft_eval.tasks import get_task

HEADLINES = {
    "shapes-detection": ("mAP", "AP50", "AP75"),
    "shapes-classification": ("accuracy",),
    "shapes-grounding": ("mIoU", "gIoU", "cIoU"),
}
STAGES = ("sft", "rft")
Scores = dict[str, float]


def evaluate(model: Path, data: Path, out: Path, sam: Path) -> Scores:
    """Run the three tasks on a data folder; returns headline metrics and mean rewards, greedy and sampled."""
    scores: Scores = {}
    for how, temperature in TEMPERATURES.items():
        generation = Generation("transformers", batch_size=32, temperature=temperature)
        found = _evaluate(model, data, out / how, sam, generation)
        scores |= {name if how == "greedy" else f"{name} ({how})": value for name, value in found.items()}
    return scores


def _evaluate(model: Path, data: Path, out: Path, sam: Path, generation: Generation) -> Scores:
    backend = SharedBackend(str(model), generation)
    scores: Scores = {}
    for name, metrics in HEADLINES.items():
        task = get_task(name)
        plan = plan_run(
            task,
            str(model),
            out / name,
            paths=DataPaths(data / name),
            generation=generation,
            reading=make_reading(task, "norm1000", "default", str(sam)),
        )
        report = carry_out(plan, backend.load).report
        for metric in metrics:
            scores[f"{name} {metric}"] = report.metrics[metric] or 0.0
        scores[f"{name} reward"] = report.rewards.mean or 0.0
    return scores


def write_results(seeds: dict[int, Path], out: Path, sam: Path, count: int) -> int:
    """Choose the seed on validation images, report all of them on test images. Returns the chosen seed."""
    for split in ("validation", "test"):
        for name in HEADLINES:
            write_dataset(name, out / "data" / split / name, count, split=split)
    scores = {
        split: {
            f"{stage}-{seed}": evaluate(folder / stage, out / "data" / split, folder / split / stage, sam)
            for seed, folder in seeds.items()
            for stage in STAGES
        }
        for split in ("validation", "test")
    }
    chosen = max(seeds, key=lambda seed: _overall(scores["validation"][f"rft-{seed}"]))
    record = {"images": count, "chosen": chosen, "scores": scores}
    (out / "results.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (out / "results.md").write_text(table(scores["test"], sorted(seeds), chosen), encoding="utf-8")
    draw_curves(seeds, out / "curves.svg")
    return chosen


def _overall(scores: Scores) -> float:
    """The mean of the three headlines: what the shipped seed is chosen by."""
    return statistics.fmean(scores[f"{name} {metrics[0]}"] for name, metrics in HEADLINES.items())


def table(scores: dict[str, Scores], seeds: list[int], chosen: int) -> str:
    """A Markdown table: the chosen seed's numbers, and the mean over seeds of the gain with its standard error."""
    lines = [
        f"| held-out images | SFT (seed {chosen}) | RFT (seed {chosen}) | gain, mean of {len(seeds)} seeds |",
        "|---|---|---|---|",
    ]
    for name in scores[f"sft-{chosen}"]:
        gains = [scores[f"rft-{seed}"][name] - scores[f"sft-{seed}"][name] for seed in seeds]
        gain = f"{statistics.fmean(gains):+.3f}"
        if len(gains) > 1:
            gain += f" ± {statistics.stdev(gains) / math.sqrt(len(gains)):.3f}"
        lines.append(f"| {name} | {scores[f'sft-{chosen}'][name]:.3f} | {scores[f'rft-{chosen}'][name]:.3f} | {gain} |")
    return "\n".join(lines) + "\n"
