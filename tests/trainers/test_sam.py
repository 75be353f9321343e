from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from transformers import SamModel, SamProcessor

from trainers.demo.log import Log
from trainers.demo.sam import Settings, build_model, build_processor, mask_loss, predict, train_sam
from trainers.demo.sam_data import training_batches

STEPS = 12


def losses(log: Path) -> list[float]:
    return [json.loads(line)["sam/loss"] for line in log.read_text(encoding="utf-8").splitlines()]


def test_a_short_training_goes_through(tmp_path: Path) -> None:
    settings = Settings(images=4)
    record = train_sam(tmp_path / "a", 0, STEPS, log=Log(tmp_path / "a.jsonl", every=1), settings=settings, scenes=4)
    first = losses(tmp_path / "a.jsonl")
    assert len(first) == STEPS
    # The last step, as every fourth, trains the other mask token, which is behind.
    assert np.mean(first[-4:-1]) < 0.85 * np.mean(first[:3])

    assert json.loads((tmp_path / "a" / "training.json").read_text(encoding="utf-8")) == record
    assert record["steps"] == STEPS
    for values in record["held_out"].values():
        assert 0 <= values["sam"] <= 1
        assert 0.3 < values["filled"] < 1

    model = SamModel.from_pretrained(tmp_path / "a")
    SamProcessor.from_pretrained(tmp_path / "a")
    assert all(p.dtype == torch.float16 for p in model.parameters())

    # The same seed gives the same weights.
    train_sam(tmp_path / "b", 0, STEPS, log=Log(tmp_path / "b.jsonl", every=1), settings=settings, scenes=4)
    assert losses(tmp_path / "b.jsonl") == first
    again = SamModel.from_pretrained(tmp_path / "b").state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in model.state_dict().items())


def test_predictions_are_those_of_the_stock_forward_pass() -> None:
    torch.manual_seed(0)
    settings = Settings(images=2, boxes=3)
    model = build_model(settings)
    batch = next(training_batches(build_processor().image_processor, 0, settings.images, settings.boxes, 1))
    assert batch.pixels.shape == (2, 3, 112, 112)
    assert batch.boxes.shape == (2, 3, 4)
    assert batch.masks.shape == (2, 3, 112, 112)
    with torch.no_grad():
        logits, quality = predict(model, batch)
        stock = model(pixel_values=batch.pixels, input_boxes=batch.boxes, multimask_output=False)
    whole = torch.nn.functional.interpolate(stock.pred_masks[:, :, 0], 112, mode="bilinear")
    scale = float(whole.abs().max())
    assert torch.allclose(logits, whole, atol=0.05 * scale)
    assert torch.allclose(quality, stock.iou_scores[:, :, 0], atol=0.05)


def test_the_loss_is_least_for_the_true_masks() -> None:
    batch = next(training_batches(build_processor().image_processor, 1, 2, 2, 1))
    right = 40 * batch.masks - 20
    best, iou = mask_loss(right, torch.ones(2, 2), batch.masks)
    assert iou == 1
    assert float(best) < 1e-3
    worse, lower = mask_loss(right.roll(4, 3), torch.ones(2, 2), batch.masks)
    assert lower < 1
    assert worse > best
    unsure, _ = mask_loss(right, torch.zeros(2, 2), batch.masks)
    assert unsure > best


def test_prompts_lie_within_the_image_and_near_their_objects() -> None:
    for batch in training_batches(build_processor().image_processor, 2, 8, 4, 5):
        boxes, masks = batch.boxes.numpy(), batch.masks.numpy() > 0.5
        assert boxes.min() >= 0
        assert boxes.max() <= 112
        assert (boxes[..., :2] < boxes[..., 2:]).all()
        for box, mask in zip(boxes.reshape(-1, 4), masks.reshape(-1, 112, 112), strict=True):
            x1, y1, x2, y2 = box.round().astype(int)
            assert mask[y1:y2, x1:x2].sum() > 0.2 * mask.sum()
