"""gIoU and cIoU by both rules, against closed formulas and an independent restatement of each rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vrft_eval.metrics import LISA, VISUAL_RFT, Overlap, box_metrics, mask_metrics, overlap_of, polygon_mask

Mask = NDArray[np.bool_]
IGNORED = 255


def lisa(predicted: Sequence[Mask], labelled: Sequence[NDArray[np.int64]]) -> tuple[float, float]:
    """LISA's validation, restated: two-class label maps, histograms of what agrees, 255 left out."""
    share, agreed, either = 0.0, np.zeros(2), np.zeros(2)
    for guess, target in zip(predicted, labelled, strict=True):
        output = np.where(target == IGNORED, IGNORED, guess.astype(np.int64))
        areas = [
            np.array([(values == k).sum() for k in (0, 1)], dtype=np.float64)
            for values in (output[output == target], output, target)
        ]
        union = areas[1] + areas[2] - areas[0]
        share += (areas[0] / (union + 1e-5) + (union == 0))[1]
        agreed += areas[0]
        either += union
    return share / len(predicted), float((agreed / (either + 1e-10))[1])


def visual_rft(
    predicted: Sequence[Mask | None],
    polygons: Sequence[list[tuple[float, float]] | None],
    sizes: Sequence[tuple[int, int]],
) -> tuple[float, float]:
    """Visual-RFT's script, restated: the first polygon as Pillow draws it; nothing predicted is an empty mask."""
    shares, agreed, either = [], 0, 0
    for guess, points, (width, height) in zip(predicted, polygons, sizes, strict=True):
        if points is None or (guess is not None and guess.shape != (height, width)):
            continue
        canvas = Image.new("L", (width, height), 0)
        ImageDraw.Draw(canvas).polygon(points, outline=1, fill=1)
        truth = np.asarray(canvas).astype(bool)
        found = np.zeros((height, width), dtype=bool) if guess is None else guess
        both, any_of = np.logical_and(found, truth).sum(), np.logical_or(found, truth).sum()
        shares.append(both / (any_of + 1e-6))
        agreed, either = agreed + both, either + any_of
    return float(np.mean(shares)), float(agreed / (either + 1e-6))


def random_mask(rng: np.random.Generator, size: tuple[int, int]) -> Mask:
    drawn: Mask = rng.random((size[1], size[0])) < rng.choice([0.0, 0.02, 0.5, 1.0])
    return drawn


def test_closed_formulas() -> None:
    truth = np.zeros((10, 10), dtype=bool)
    truth[:5] = True
    half = np.zeros_like(truth)
    half[:5, :5] = True
    nothing = np.zeros_like(truth)
    overlaps = [overlap_of(half, truth), overlap_of(None, truth), overlap_of(None, nothing)]
    assert overlaps == [Overlap(25, 50), Overlap(0, 50), Overlap(0, 0)]
    assert mask_metrics(overlaps, overlaps) == {
        "gIoU": pytest.approx((25 / (50 + 1e-5) + 0 + 1) / 3, abs=1e-15),
        "cIoU": pytest.approx(25 / (100 + 1e-10), abs=1e-15),
        "gIoU_visual_rft": pytest.approx(25 / (50 + 1e-6) / 3, abs=1e-15),  # nothing found where nothing is: 0
        "cIoU_visual_rft": pytest.approx(25 / (100 + 1e-6), abs=1e-15),
    }


def test_without_images_there_are_no_numbers() -> None:
    assert set(mask_metrics([], []).values()) == {None}


def test_pixels_to_ignore_count_on_neither_side() -> None:
    truth = np.array([[1, 1, 0, 0]], dtype=bool)
    guess = np.array([[1, 0, 1, 1]], dtype=bool)
    ignore = np.array([[0, 0, 0, 1]], dtype=bool)
    assert overlap_of(guess, truth) == Overlap(1, 4)
    assert overlap_of(guess, truth, ignore) == Overlap(1, 3)
    assert overlap_of(None, truth, ignore=truth) == Overlap(0, 0)
    assert LISA.share(overlap_of(guess, truth, ignore=np.ones_like(truth))) == 1.0


@pytest.mark.parametrize("rule", [LISA, VISUAL_RFT])
def test_an_exact_mask_is_nearly_one_and_never_more(rule: object) -> None:
    assert isinstance(rule, type(LISA))
    for pixels in (1, 40, 10**9):
        exact = Overlap(pixels, pixels)
        assert 0.99998 < rule.share(exact) <= 1.0
        assert 0.99998 < (rule.ciou([exact]) or 0) <= 1.0


def test_other_sizes_are_refused() -> None:
    truth = np.zeros((4, 5), dtype=bool)
    with pytest.raises(ValueError, match=r"mask of size \(5, 4\).*\(4, 5\)"):
        overlap_of(truth.T, truth)
    with pytest.raises(ValueError, match="ignore region"):
        overlap_of(truth, truth, truth.T)


@pytest.mark.parametrize("seed", range(20))
def test_lisas_rule_restated(seed: int) -> None:
    rng = np.random.default_rng(seed)
    predicted, labelled, overlaps = [], [], []
    for _ in range(12):
        size = (int(rng.integers(1, 40)), int(rng.integers(1, 40)))
        guess, truth, ignore = (random_mask(rng, size) for _ in range(3))
        truth &= ~ignore
        predicted.append(guess)
        labelled.append(np.where(ignore, IGNORED, truth.astype(np.int64)))
        overlaps.append(overlap_of(guess, truth, ignore))
    giou, ciou = lisa(predicted, labelled)
    assert LISA.giou(overlaps) == pytest.approx(giou, abs=1e-12)
    assert LISA.ciou(overlaps) == pytest.approx(ciou, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_visual_rfts_rule_restated(seed: int) -> None:
    rng = np.random.default_rng(seed)
    predicted: list[Mask | None] = []
    polygons: list[list[tuple[float, float]] | None] = []
    sizes, overlaps = [], []
    for _ in range(12):
        size = (int(rng.integers(2, 60)), int(rng.integers(2, 60)))
        # Corners lie beyond the image too, as they do in ReasonSeg.
        points = [(float(x), float(y)) for x, y in rng.uniform(-10, 70, (int(rng.integers(3, 9)), 2))]
        guess = None if rng.random() < 0.2 else random_mask(rng, size)
        predicted.append(guess)
        polygons.append(points)
        sizes.append(size)
        overlaps.append(overlap_of(guess, polygon_mask(points, size)))
    giou, ciou = visual_rft(predicted, polygons, sizes)
    assert VISUAL_RFT.giou(overlaps) == pytest.approx(giou, abs=1e-12)
    assert VISUAL_RFT.ciou(overlaps) == pytest.approx(ciou, abs=1e-12)


def test_grounding_counts_an_iou_of_exactly_one_half() -> None:
    assert box_metrics([0.5, 0.49, 0.0]) == {"mIoU": pytest.approx(0.33), "Acc50": pytest.approx(1 / 3)}
    assert box_metrics([]) == {"mIoU": None, "Acc50": None}
