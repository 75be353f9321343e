"""What the checkpoints that ship came to: every seed, before and after GRPO, the same images."""

from __future__ import annotations

import json
from pathlib import Path

from trainers.demo.curves import Line, draw_curves
from trainers.demo.measure import SHIPPED, Scores, evaluate, overall, write_images
from trainers.demo.table import gain, markdown

STAGES = ("sft", "rft")


def write_results(seeds: dict[int, Path], out: Path, sam: Path, count: int) -> int:
    """Choose the seed on validation images, report all of them on test images. Returns the chosen seed."""
    scores: dict[str, dict[str, Scores]] = {}
    for split in ("validation", "test"):
        write_images(out / "data" / split, SHIPPED, count, split)
        scores[split] = {
            f"{stage}-{seed}": evaluate(folder / stage, out / "data" / split, folder / split / stage, SHIPPED, str(sam))
            for seed, folder in seeds.items()
            for stage in STAGES
        }
    chosen = max(seeds, key=lambda seed: overall(scores["validation"][f"rft-{seed}"], SHIPPED, ("greedy",)))
    record = {"images": count, "chosen": chosen, "scores": scores}
    (out / "results.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (out / "results.md").write_text(table(scores["test"], sorted(seeds), chosen), encoding="utf-8")
    draw_curves(_panels(seeds), out / "curves.svg")
    return chosen


def table(scores: dict[str, Scores], seeds: list[int], chosen: int) -> str:
    """A Markdown table: the chosen seed's numbers, and the mean over seeds of the gain with its standard error."""
    rows = []
    for name in scores[f"sft-{chosen}"]:
        gains = [scores[f"rft-{seed}"][name] - scores[f"sft-{seed}"][name] for seed in seeds]
        rows.append([name, *(f"{scores[f'{stage}-{chosen}'][name]:.3f}" for stage in STAGES), gain(gains)])
    head = ["held-out images", f"SFT (seed {chosen})", f"RFT (seed {chosen})", f"gain, mean of {len(seeds)} seeds"]
    return markdown(head, rows)


def _panels(seeds: dict[int, Path]) -> dict[str, list[Line]]:
    measures = {
        "Words: decisions right": ("log-sft.jsonl", ("words/decisions",)),
        "Vision tower: edges right": ("log-sft.jsonl", ("vision/edges",)),
        "SFT: loss and decisions right": ("log-sft.jsonl", ("sft/loss", "sft/decisions")),
        "GRPO: mean reward": ("log-grpo.jsonl", ("grpo/reward",)),
        "GRPO: detection": (
            "log-grpo.jsonl",
            ("grpo/reward_parts/detection/iou", "grpo/reward_parts/detection/confidence"),
        ),
        "GRPO: other tasks": (
            "log-grpo.jsonl",
            ("grpo/reward_parts/classification/accuracy", "grpo/reward_parts/grounding/giou"),
        ),
    }
    return {
        title: [
            Line(
                f"seed {seed}" if len(names) == 1 else f"{name.rsplit('/', 1)[1]}, seed {seed}",
                folder / file,
                name,
                seed,
            )
            for seed, folder in seeds.items()
            for name in names
        ]
        for title, (file, names) in measures.items()
    }
