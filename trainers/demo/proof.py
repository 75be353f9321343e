"""The experiment: one base, fine-tuned on the same few images by right answers (SFT) and by rewards (RFT).

The base is the SFT checkpoint that ships, which knows all categories, as a released model knows what a dictionary
holds. Three of them, a pair of a colour and a shape each, are in no image and no question of the fine-tuning: on them
one sees what carries over, as on the paper's new categories. A third way is RFT with the rewards as they were
released, accidents included.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers import set_seed

from trainers.demo.grpo import REWARD, train_grpo
from trainers.demo.log import Log
from trainers.demo.measure import Exam, Scores, evaluate, overall, write_images
from trainers.demo.model import save_checkpoint
from trainers.demo.pipeline import is_trained, load, trained_with, versions
from trainers.demo.released import released_reward
from trainers.demo.sft import train_sft
from trainers.demo.tuning import training_set
from vrft_eval.demo import checkpoint
from vrft_eval.demo.scenes import CATEGORIES
from vrft_eval.errors import InputError

UNSEEN = ("green circle", "blue square", "yellow triangle")
SEEN = tuple(name for name in CATEGORIES if name not in UNSEEN)
EXAMS = {
    "detection": Exam("shapes-detection", ("mAP", "AP50"), SEEN),
    "classification": Exam("shapes-classification", ("accuracy",)),
    "grounding": Exam("shapes-grounding", ("mIoU",)),
    "unseen pairs": Exam("shapes-detection", ("mAP", "AP50"), UNSEEN),
}
CHOICE = {name: exam for name, exam in EXAMS.items() if name != "unseen pairs"}
WAYS = ("greedy", "sampled")
BASE = checkpoint("sft")


@dataclass(frozen=True)
class Proof:
    """The size of the experiment. `rates` are tried for SFT, and the best by validation is told of."""

    images: int = 256
    steps: int = 192
    prompts: int = 16
    generations: int = 8
    rate: float = 1.5e-4
    rates: tuple[float, ...] = (5e-5, 1.5e-4, 5e-4)
    validation: int = 100


@dataclass(frozen=True)
class Arm:
    """One fine-tuning: its way (`sft`, `rft`, `released`), seed and learning rate."""

    way: str
    seed: int
    rate: float

    def folder(self, out: Path) -> Path:
        """Where its checkpoint, log and run folders are."""
        return out / f"seed-{self.seed}" / (f"sft-{self.rate:g}" if self.way == "sft" else self.way)


@dataclass(frozen=True)
class Trained:
    """What the experiment gives: test scores of the base and of every arm, and which arms were chosen of SFT's."""

    base: Scores
    arms: dict[Arm, Scores]
    validation: dict[Arm, Scores]

    def of(self, way: str) -> dict[int, Arm]:
        """The arms of a way by seed."""
        return {arm.seed: arm for arm in self.arms if arm.way == way}


def run_proof(out: Path, seeds: list[int], proof: Proof, images: int, pool: Executor) -> Trained:
    """Train and measure all of it; every checkpoint and every answer that is there already is kept."""
    write_images(out / "data" / "validation", EXAMS, proof.validation, "validation")
    write_images(out / "data" / "test", EXAMS, images, "test")
    # The long ones first: each takes a core.
    rft = [Arm("rft", seed, proof.rate) for seed in seeds]
    released = [Arm("released", seeds[0], proof.rate)]
    sft = [Arm("sft", seed, rate) for seed in seeds for rate in proof.rates]
    jobs = {arm: pool.submit(fine_tune, arm, out, proof) for arm in [*rft, *released, *sft]}
    for job in jobs.values():
        job.result()
    tried = {arm: pool.submit(take, arm.folder(out), arm.folder(out), out, "validation", CHOICE) for arm in sft}
    validation = {arm: job.result() for arm, job in tried.items()}
    best = [
        max((arm for arm in sft if arm.seed == seed), key=lambda arm: overall(validation[arm], CHOICE, WAYS))
        for seed in seeds
    ]
    tests = {
        arm: pool.submit(take, arm.folder(out), arm.folder(out), out, "test", EXAMS) for arm in [*rft, *released, *best]
    }
    first = pool.submit(take, BASE, out / "base", out, "test", EXAMS).result()
    return Trained(first, {arm: job.result() for arm, job in tests.items()}, validation)


def fine_tune(arm: Arm, out: Path, proof: Proof) -> None:
    """Train one arm from the base, unless it is there already. Raises InputError if that was trained otherwise."""
    torch.set_num_threads(1)
    folder = arm.folder(out)
    size = {name: getattr(proof, name) for name in ("images", "steps", "prompts", "generations")} | {"rate": arm.rate}
    if is_trained(folder):
        made = trained_with(folder)
        then = {name: (made["proof"] | made["arm"])[name] for name in size}
        if then != size:
            raise InputError(f"was trained with {then}, not {size}: name another --out", file=folder)
        return
    set_seed(arm.seed)
    model, processor = load(BASE)
    data = training_set(arm.seed, proof.images, UNSEEN)
    log = Log(folder / "log.jsonl")
    work = folder / "work"
    if arm.way == "sft":
        train_sft(model, processor, data, arm.seed, proof.steps, work, log, prompts=proof.prompts, rate=arm.rate)
    else:
        paid_by = REWARD if arm.way == "rft" else released_reward
        train_grpo(
            model,
            processor,
            data,
            arm.seed,
            proof.steps,
            work,
            log,
            prompts=proof.prompts,
            generations=proof.generations,
            rate=arm.rate,
            paid_by=paid_by,
        )
    record: dict[str, object] = {"arm": asdict(arm), "proof": asdict(proof), "versions": versions(), "stage": arm.way}
    save_checkpoint(model, processor, folder, record)


def take(model: Path, folder: Path, out: Path, split: str, exams: dict[str, Exam]) -> Scores:
    """Measure a checkpoint on a split; its run folders go into `folder`."""
    torch.set_num_threads(1)
    return evaluate(model, out / "data" / split, folder / split, exams)
