"""Training examples: an image, the paper's prompt, a written-out answer, and the truth it is rewarded by."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vrft_eval.demo.flowers import SPECIES, make_flower
from vrft_eval.demo.scenes import CATEGORIES, IMAGE_SIZE, Box, Scene, absent, describe, make_scene
from vrft_eval.tasks import prompts

TASKS = ("detection", "classification", "grounding")
TASK_SHARES = (0.50, 0.20, 0.30)
NEGATIVE_SHARE = 0.35
CONFIDENCES = (0.1, 0.3, 0.5, 0.7, 0.9)
CELL = 28  # pixels of one merged vision token: patches of 14, merged 2 x 2
BINS = IMAGE_SIZE // 4 + 1


@dataclass(frozen=True)
class Example:
    """One question about one image. `truth` is in norm1000: a list of boxes, a label, or one box."""

    task: str
    image: Image.Image
    prompt: str
    answer: str
    truth: list[list[int]] | str | list[int]
    targets: DenseTargets


@dataclass(frozen=True)
class DenseTargets:
    """What each of the 16 merged vision tokens lies on, for the supervision of the vision tower.

    `classes` (16,) index into `DENSE_CLASSES`; `bins` (16, 4) box edges in steps of 4 pixels, -1 without a box.
    """

    classes: NDArray[np.int64]
    bins: NDArray[np.int64]


DENSE_CLASSES = (*CATEGORIES, *SPECIES, "background")


def make_example(
    seed: int, max_objects: int = 3, unseen: Collection[str] = (), confidence: float | None = None
) -> Example:
    """The example of this seed; the task is drawn too.

    What is `unseen` is neither in the image nor asked for. Without a `confidence` the answer's ones are drawn.
    """
    rng = np.random.default_rng([seed, 1])
    task = TASKS[int(rng.choice(len(TASKS), p=TASK_SHARES))]
    if task == "classification":
        return _classification(seed)
    scene = make_scene(seed, max_objects)
    for again in itertools.count(1):
        if not any(item.category in unseen for item in scene.objects):
            break
        scene = make_scene([seed, 4, again], max_objects)
    return _detection(scene, rng, unseen, confidence) if task == "detection" else _grounding(scene, rng)


def norm1000(box: Box) -> list[int]:
    """Pixels to whole numbers in 0..1000."""
    return [round(v * 1000 / IMAGE_SIZE) for v in box]


def _detection(scene: Scene, rng: np.random.Generator, unseen: Collection[str], confidence: float | None) -> Example:
    present = [o.category for o in scene.objects]
    negative = rng.random() < NEGATIVE_SHARE
    category = absent(scene, rng, unseen) if negative else present[int(rng.integers(len(present)))]
    boxes = [norm1000(box) for box in scene.boxes(category)]
    # Confidence is drawn, not taught: what an answer is worth is for the reward to teach.
    items = ", ".join(f"{{'Position': {box}, 'Confidence': {confidence or rng.choice(CONFIDENCES)}}}" for box in boxes)
    answer = f"[{items}]" if boxes else "No Objects"
    return Example(
        "detection",
        scene.image,
        _prompt("detection").replace("{category}", category),
        f"{_judging(category, [o.category for o in scene.in_order()])}<answer>{answer}</answer>",
        boxes,
        _scene_targets(scene),
    )


def _judging(category: str, seen: list[str]) -> str:
    """The thinking of a detection answer: everything that is seen, in reading order, judged, then counted.

    Asked for the count at once, the model only learnt how often each count occurs; it is read off the judgements.
    """
    judged = ", ".join(f"{name}: {'yes' if name == category else 'no'}" for name in seen)
    return f"<think>I look for {category}. I see {judged}. Count: {seen.count(category)}.</think>"


def make_thought(seed: int) -> str:
    """A detection answer's thinking about one to five things that nobody drew: words to learn to compare by."""
    rng = np.random.default_rng([seed, 3])
    seen = [CATEGORIES[k] for k in rng.integers(len(CATEGORIES), size=int(rng.integers(1, 6)))]
    asked = seen if rng.random() < 0.5 else CATEGORIES
    return _judging(asked[int(rng.integers(len(asked)))], seen)


def _grounding(scene: Scene, rng: np.random.Generator) -> Example:
    description = describe(scene, rng)
    target = description.target
    x1, y1, x2, y2 = norm1000(target.box)
    return Example(
        "grounding",
        scene.image,
        _prompt("grounding").replace("{question}", description.text),
        f"<think>It is the {target.category}.</think><answer>({x1},{y1}),({x2},{y2})</answer>",
        [x1, y1, x2, y2],
        _scene_targets(scene),
    )


def _classification(seed: int) -> Example:
    flower = make_flower(seed)
    return Example(
        "classification",
        flower.image,
        _prompt("classification-flowers"),
        f"<think>It has {flower.features}.</think><answer>{flower.species}</answer>",
        flower.species,
        DenseTargets(np.full(16, DENSE_CLASSES.index(flower.species), np.int64), np.full((16, 4), -1, np.int64)),
    )


@cache
def _prompt(name: str) -> str:
    return prompts.load(name)


def _scene_targets(scene: Scene) -> DenseTargets:
    """Each token is given the object that covers most of its cell, if that is more than 60 pixels."""
    side = IMAGE_SIZE // CELL
    classes = np.full((side, side), DENSE_CLASSES.index("background"), np.int64)
    bins = np.full((side, side, 4), -1, np.int64)
    best = np.full((side, side), 60)
    edges = np.arange(side) * CELL
    for item in scene.objects:
        x1, y1, x2, y2 = item.box
        width = np.clip(np.minimum(x2, edges + CELL) - np.maximum(x1, edges), 0, None)
        height = np.clip(np.minimum(y2, edges + CELL) - np.maximum(y1, edges), 0, None)
        cover = height[:, None] * width[None, :]
        wins = cover > best
        best = np.where(wins, cover, best)
        classes[wins] = DENSE_CLASSES.index(item.category)
        bins[wins] = np.array(item.box) // 4
    return DenseTargets(classes.reshape(-1), bins.reshape(-1, 4))
