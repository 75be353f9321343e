"""What the demo's SAM learns from: generated scenes, box prompts that are off by several pixels, exact masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import SamImageProcessor

from vrft_eval.demo.scenes import IMAGE_SIZE, Shape, make_scene

# Far from the seeds of training (2**40 and above) and from those of the data sets that are written to disk.
HELD_OUT = 30_000_000


@dataclass(frozen=True)
class Batch:
    """Images (b, 3, 112, 112) as the processor makes them, box prompts (b, k, 4) in pixels xyxy, and the masks
    (b, k, 112, 112) they ask for."""

    pixels: Tensor
    boxes: Tensor
    masks: Tensor


def training_batches(processor: SamImageProcessor, seed: int, images: int, boxes: int, steps: int) -> Iterator[Batch]:
    """Fresh scenes, none seen twice; every image gets the same number of prompts, so that it is encoded once."""
    rng = np.random.default_rng([seed, 3])
    for _ in range(steps):
        scenes = [make_scene(int(s)) for s in rng.integers(2**40, 2**41, images)]
        chosen = [[scene.objects[k] for k in _prompted(len(scene.objects), boxes, rng)] for scene in scenes]
        prompts = [[jitter(item, _reach(rng), rng) for item in items] for items in chosen]
        masks = [[item.mask() for item in items] for items in chosen]
        yield Batch(
            processor([scene.image for scene in scenes], return_tensors="pt")["pixel_values"],
            torch.from_numpy(np.array(prompts, np.float32)),
            torch.from_numpy(np.array(masks, np.float32)),
        )


def jitter(item: Shape, reach: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """The object's box, (4,) pixels xyxy, with each edge moved by up to `reach` of the side, within the image."""
    box = np.array(item.box, np.float64)
    sides = np.tile(box[2:] - box[:2], 2)
    moved: NDArray[np.float64] = np.clip(box + rng.uniform(-reach, reach, 4) * sides, 0, IMAGE_SIZE)
    return moved


def _prompted(objects: int, prompts: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Which object each prompt asks for: all in turn."""
    return np.resize(rng.permutation(objects), prompts)


def _reach(rng: np.random.Generator) -> float:
    """Some boxes are exact, most are as a trained model predicts them, the rest as an untrained one does."""
    kind = rng.random()
    if kind < 0.15:
        return 0.0
    return float(rng.uniform(0.0, 0.15) if kind < 0.7 else rng.uniform(0.15, 0.35))
