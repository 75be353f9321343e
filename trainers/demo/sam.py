"""A small but real SAM, trained on the generated scenes: a box in, the mask of the object in it out.

`python -m trainers.demo.sam --out DIR` makes the checkpoint that ships with vrft_eval, in about seven minutes
on one core. It knows box prompts and single objects only, which is what grounding asks of it.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import SamConfig, SamImageProcessor, SamModel, SamProcessor

from trainers.demo.log import Log
from trainers.demo.sam_data import HELD_OUT, Batch, jitter, training_batches
from vrft_eval.demo.scenes import IMAGE_SIZE, make_scene
from vrft_eval.masks import BoxToMask, Masks, fill_boxes

STEPS = 1000


@dataclass(frozen=True)
class Settings:
    """Sizes of the model, of a batch, and the learning rate."""

    patch: int = 8
    vision: int = 96
    layers: int = 4
    window: int = 7
    hidden: int = 128
    images: int = 16
    boxes: int = 4
    rate: float = 2e-3


def train_sam(
    folder: Path, seed: int = 0, steps: int = STEPS, *, log: Log, settings: Settings | None = None, scenes: int = 300
) -> dict[str, Any]:
    """Train from random weights and write model (float16, safetensors), processor and `training.json` to a folder.

    Returns what `training.json` holds: settings, versions, and IoU on so many held-out scenes (see `evaluate`). The
    same seed, steps and number of threads on the same machine give the same weights.
    """
    started = time.perf_counter()
    settings = settings or Settings()
    torch.manual_seed(seed)
    processor, model = build_processor(), build_model(settings)
    optimizer = _Optimizer(model, settings.rate, steps)
    model.train()
    batches = training_batches(processor.image_processor, seed, settings.images, settings.boxes, steps)
    for step, batch in enumerate(batches):
        # Every fourth step trains the other mask token: the one that the stock default, multimask_output=True, asks.
        logits, quality = predict(model, batch, multimask=step % 4 == 3)
        loss, iou = mask_loss(logits, quality, batch.masks)
        optimizer.step(loss)
        log.add(step, {"sam/loss": float(loss.detach()), "sam/iou": iou})
    seconds = time.perf_counter() - started
    save(model, processor, folder)
    record = {
        "seed": seed,
        "steps": steps,
        "seconds": round(seconds),
        "threads": torch.get_num_threads(),
        "settings": asdict(settings),
        "parameters": sum(p.numel() for p in model.parameters()),
        "held_out": evaluate(folder, scenes),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    (folder / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return record


def build_processor() -> SamProcessor:
    """SAM's processor: the longer side becomes 112 pixels, the rest is padding."""
    whole, low = IMAGE_SIZE, IMAGE_SIZE // 2
    return SamProcessor(
        SamImageProcessor(
            size={"longest_edge": whole},
            pad_size={"height": whole, "width": whole},
            mask_size={"longest_edge": low},
            mask_pad_size={"height": low, "width": low},
        )
    )


def build_model(settings: Settings) -> SamModel:
    """A fresh model with random weights: windowed and global attention in turn, two mask tokens."""
    hidden = settings.hidden
    config = SamConfig(
        vision_config={
            "hidden_size": settings.vision,
            "mlp_dim": 4 * settings.vision,
            "output_channels": hidden,
            "num_hidden_layers": settings.layers,
            "num_attention_heads": settings.vision // 32,
            "image_size": IMAGE_SIZE,
            "patch_size": settings.patch,
            "window_size": settings.window,
            "global_attn_indexes": list(range(1, settings.layers, 2)),
            "use_rel_pos": False,
            "num_pos_feats": hidden // 2,
        },
        prompt_encoder_config={"hidden_size": hidden, "image_size": IMAGE_SIZE, "patch_size": settings.patch},
        mask_decoder_config={
            "hidden_size": hidden,
            "mlp_dim": 4 * hidden,
            "num_attention_heads": 4,
            "iou_head_hidden_dim": hidden,
            "num_multimask_outputs": 1,
        },
    )
    # Fused attention is slow on a CPU for heads this small, its backward pass above all.
    model = SamModel._from_config(config, attn_implementation="eager")
    # The stock initialisation expects that weights are loaded; torch's own is what the original was trained from.
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
            module.reset_parameters()
    # The code of positions stays as it is drawn. Its stock scale (half the vision width) would give neighbouring
    # pixels unrelated codes; the original implementation's is 1. Rounded to what is saved.
    code = model.shared_image_embedding.positional_embedding
    nn.init.normal_(code)
    code.data = code.data.half().float()
    code.requires_grad_(False)
    return model


def predict(model: SamModel, batch: Batch, multimask: bool = False) -> tuple[Tensor, Tensor]:
    """Mask logits (b, k, 112, 112) and predicted IoU (b, k). As `SamModel.forward`, but mostly in bfloat16.

    Positions stay in float32: bfloat16 can't tell pixels apart.
    """
    positions = model.get_image_wide_positional_embeddings().expand(len(batch.pixels), -1, -1, -1)
    sparse, dense = model.prompt_encoder(None, None, batch.boxes, None)
    with torch.autocast("cpu", torch.bfloat16):
        image = model.vision_encoder(batch.pixels).last_hidden_state
        masks, quality = model.mask_decoder(image, positions, sparse, dense, multimask_output=multimask)
    logits = F.interpolate(masks[:, :, 0].float(), IMAGE_SIZE, mode="bilinear", align_corners=False)
    return logits, quality[:, :, 0].float()


def mask_loss(logits: Tensor, quality: Tensor, masks: Tensor) -> tuple[Tensor, float]:
    """Cross-entropy and dice of the masks, squared error of the predicted IoU; and the mean IoU itself."""
    areas = masks.sum((2, 3))
    probability = logits.sigmoid()
    overlap = (probability * masks).sum((2, 3))
    dice = 1 - (2 * overlap + 1) / (probability.sum((2, 3)) + areas + 1)
    with torch.no_grad():
        hard = logits > 0
        common = (hard * masks).sum((2, 3))
        iou = common / (hard.sum((2, 3)) + areas - common).clamp(min=1)
    entropy = F.binary_cross_entropy_with_logits(logits, masks)
    loss = 5 * entropy + dice.mean() + 0.5 * F.mse_loss(quality, iou)
    return loss, float(iou.mean())


def evaluate(folder: Path, scenes: int) -> dict[str, dict[str, float]]:
    """Mean IoU with the true masks on held-out scenes: of a checkpoint's masks, and of the filled boxes.

    For exact boxes, and for boxes with every edge moved by up to 15 % and 30 % of the side.
    """
    sam = BoxToMask(folder, device="cpu")
    found: dict[str, dict[str, float]] = {}
    for name, reach in {"exact": 0.0, "off by 15 %": 0.15, "off by 30 %": 0.3}.items():
        rng = np.random.default_rng(HELD_OUT)
        masks: list[float] = []
        filled: list[float] = []
        for seed in range(HELD_OUT, HELD_OUT + scenes):
            scene = make_scene(seed)
            truth = np.stack([item.mask() for item in scene.objects])
            boxes = np.stack([jitter(item, reach, rng) for item in scene.objects])
            masks += _iou(sam.masks(scene.image, boxes), truth)
            filled += _iou(fill_boxes(boxes, scene.image.size), truth)
        found[name] = {"sam": round(float(np.mean(masks)), 4), "filled": round(float(np.mean(filled)), 4)}
    return found


def save(model: SamModel, processor: SamProcessor, folder: Path) -> None:
    """Write model and processor, in float16. Raises ValueError when a weight doesn't fit."""
    half = SamModel(model.config).to(torch.float16)
    half.load_state_dict(model.state_dict())
    if not all(torch.isfinite(tensor).all() for tensor in half.state_dict().values()):
        raise ValueError(f"weights of {folder} don't fit float16")
    half.save_pretrained(folder)
    processor.save_pretrained(folder)


def _iou(masks: Masks, truth: Masks) -> list[float]:
    common, union = (masks & truth).sum((1, 2)), (masks | truth).sum((1, 2))
    return [float(value) for value in common / union]


class _Optimizer:
    """Muon for the linear layers, AdamW for the rest; a warm-up, then a cosine down to 2 %."""

    def __init__(self, model: SamModel, rate: float, steps: int) -> None:
        matrices = [m.weight for m in model.modules() if isinstance(m, nn.Linear)]
        chosen = {id(p) for p in matrices}
        others = [p for p in model.parameters() if p.requires_grad and id(p) not in chosen]
        self.parameters = [*matrices, *others]
        self.parts: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(matrices, lr=rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=rate, weight_decay=0.02, betas=(0.9, 0.98)),
        )
        self.rate, self.steps, self.done = rate, steps, 0
        self.warm_up = max(1, min(50, steps // 10))

    def step(self, loss: Tensor) -> None:
        factor = min(1.0, (self.done + 1) / self.warm_up) * (0.51 + 0.49 * math.cos(math.pi * self.done / self.steps))
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = self.rate * factor
            part.step()
            part.zero_grad(set_to_none=True)
        self.done += 1


def main() -> None:
    """Train and write a checkpoint."""
    parser = argparse.ArgumentParser(description="Train the demo's SAM.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the checkpoint")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    curve = options.out / "training.jsonl"
    curve.unlink(missing_ok=True)  # a log only grows
    log = Log(curve)
    record = train_sam(options.out, options.seed, options.steps, log=log)
    print(json.dumps(record["held_out"], indent=1))


if __name__ == "__main__":
    main()
