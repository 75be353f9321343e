"""The experiment's report: tables with vrft-eval's numbers and paired intervals, and the curves."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

from trainers.demo.curves import Line, draw_curves, read
from trainers.demo.measure import overall, place
from trainers.demo.proof import CHOICE, EXAMS, SEEN, UNSEEN, WAYS, Arm, Proof, Trained
from trainers.demo.table import gain, markdown
from vrft_eval.compare.run import compare
from vrft_eval.report.evidence import interval_text
from vrft_eval.schemas import Difference


@dataclass(frozen=True)
class Pair:
    """Two arms on the same images: second minus first of every measure, by bootstrap over images."""

    first: Arm
    second: Arm
    differences: dict[str, Difference | None]


def write_report(out: Path, proof: Proof, trained: Trained, images: int) -> str:
    """Write report.md, report.json and curves.svg; returns the Markdown."""
    sft, rft, released = (trained.of(way) for way in ("sft", "rft", "released"))
    pairs = [compared(out, sft[seed], rft[seed]) for seed in rft]
    cost = [compared(out, arm, rft[seed]) for seed, arm in released.items()]
    text = "\n".join(
        [
            "# Right answers against rewards, on the same images\n",
            _setting(out, proof, trained, images),
            _results(trained, pairs),
            f"*above, below: seeds whose 95 % interval by paired bootstrap over {images} images is above or below 0*\n",
            "## What the released rewards' accidents cost\n",
            _cost(trained, cost),
            "## Learning rates tried for SFT\n",
            _rates(proof, trained),
            "![Training curves](curves.svg)\n",
        ]
    )
    (out / "report.md").write_text(text, encoding="utf-8")
    record = {
        "proof": asdict(proof),
        "images": images,
        "base": trained.base,
        "arms": [asdict(arm) | {"scores": scores} for arm, scores in trained.arms.items()],
        "validation": [asdict(arm) | {"scores": scores} for arm, scores in trained.validation.items()],
        "pairs": [_plain(pair) for pair in [*pairs, *cost]],
    }
    (out / "report.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    draw_curves(_panels(out, trained), out / "curves.svg")
    return text


def compared(out: Path, first: Arm, second: Arm) -> Pair:
    """Put two arms' run folders side by side."""
    differences: dict[str, Difference | None] = {}
    for how in WAYS:
        for name, exam in EXAMS.items():
            runs = [place(arm.folder(out) / "test", how, name) for arm in (first, second)]
            metrics = compare(runs).found.pairs[0].metrics
            for metric in (*exam.metrics, "reward"):
                differences[f"{how}: {name} {metric}"] = metrics[metric].difference
    return Pair(first, second, differences)


def _setting(out: Path, proof: Proof, trained: Trained, images: int) -> str:
    seeds = ", ".join(map(str, trained.of("rft")))
    hours = (
        sum(read(arm.folder(out) / "log.jsonl", "seconds")[1][-1] for arm in {*trained.arms, *trained.validation})
        / 3600
    )
    return (
        f"Base: the SFT checkpoint that ships. {proof.images} images a seed (seeds {seeds}), {proof.steps} steps of "
        f"{proof.prompts} of them for both: SFT on the right answers, RFT with {proof.generations} completions each "
        f"and the learning rate {proof.rate:g}. {len(SEEN)} categories are in them; {', '.join(UNSEEN)} are not. "
        f"Measured on {images} other images a task, greedy and at temperature 1. The trainings took {hours:.1f} hours, "
        f"one core each.\n"
    )


def _results(trained: Trained, pairs: list[Pair]) -> str:
    head = ["", "base", "SFT", "RFT", "RFT - SFT", "above, below"]
    rows = []
    for name, base in trained.base.items():
        means = [
            statistics.fmean(trained.arms[arm][name] for arm in trained.of(way).values()) for way in ("sft", "rft")
        ]
        gains = [trained.arms[pair.second][name] - trained.arms[pair.first][name] for pair in pairs]
        found = [pair.differences[name] for pair in pairs]
        intervals = [d.interval for d in found if d is not None and d.interval is not None]
        above, below = sum(i.low > 0 for i in intervals), sum(i.high < 0 for i in intervals)
        rows.append([name, f"{base:.3f}", *(f"{mean:.3f}" for mean in means), gain(gains), f"{above}, {below}"])
    return markdown(head, rows)


def _cost(trained: Trained, pairs: list[Pair]) -> str:
    rows = []
    for pair in pairs:
        for name, difference in pair.differences.items():
            first, second = (trained.arms[arm][name] for arm in (pair.first, pair.second))
            interval = "" if difference is None else interval_text(difference.interval)
            numbers = (f"{value:.3f}" for value in (trained.base[name], first, second))
            rows.append([name, *numbers, f"{second - first:+.3f} {interval}"])
    head = ["", "base", "released rewards", "our rewards", "difference, 95 % interval"]
    return markdown(head, rows)


def _rates(proof: Proof, trained: Trained) -> str:
    chosen = set(trained.of("sft").values())
    head = [
        f"mean over {', '.join(CHOICE)}, {proof.validation} validation images",
        *(f"{rate:g}" for rate in proof.rates),
    ]
    rows = []
    for seed in trained.of("sft"):
        arms = [Arm("sft", seed, rate) for rate in proof.rates]
        scores = [overall(trained.validation[arm], CHOICE, WAYS) for arm in arms]
        texts = [f"{value:.3f}{' (taken)' * (arm in chosen)}" for arm, value in zip(arms, scores, strict=True)]
        rows.append([f"seed {seed}", *texts])
    return markdown(head, rows)


def _panels(out: Path, trained: Trained) -> dict[str, list[Line]]:
    rft, released = trained.of("rft"), trained.of("released")

    def lines(measure: str) -> list[Line]:
        ours = [Line(f"ours, seed {seed}", arm.folder(out) / "log.jsonl", measure, seed) for seed, arm in rft.items()]
        return [
            *ours,
            *(Line(f"released, seed {s}", arm.folder(out) / "log.jsonl", measure, 7) for s, arm in released.items()),
        ]

    return {
        "Our reward of what is sampled": lines("grpo/rewards/verifiable_reward/mean"),
        "Overlap of detections": lines("grpo/reward_parts/detection/iou"),
        "Length in tokens": lines("grpo/completions/mean_length"),
    }


def _plain(pair: Pair) -> dict[str, object]:
    differences = {name: None if d is None else d.model_dump(mode="json") for name, d in pair.differences.items()}
    return {"first": asdict(pair.first), "second": asdict(pair.second), "differences": differences}
