from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from vrft_eval.metrics.bootstrap import draw
from vrft_eval.metrics.correlation import Quality, correlate, spearman


@pytest.mark.parametrize("levels", [3, 10, 1000])
def test_the_correlation_is_spearmans_ties_included(levels: int) -> None:
    rng = np.random.default_rng(levels)
    rewards = rng.integers(0, levels, 60) / 7
    values = rewards + rng.integers(0, levels, 60) / 5
    found = correlate(range(60), rewards, Quality("AP", values))
    assert found.value == pytest.approx(stats.spearmanr(rewards, values).statistic, abs=1e-12)
    assert (found.n, found.metric, found.interval, found.reason) == (60, "AP", None, None)


def test_a_drawn_image_holds_as_many_ranks_as_it_is_drawn() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 6, 25).astype(float), rng.integers(0, 6, 25).astype(float)
    weights = np.concatenate(list(draw(25, 30, seed=0)))
    found = spearman(first, second, weights)
    for row, drawn in zip(found, weights, strict=True):
        expected = stats.spearmanr(np.repeat(first, drawn), np.repeat(second, drawn)).statistic
        assert row == pytest.approx(expected, abs=1e-12)


def test_an_image_counts_by_the_mean_over_its_samples_that_have_a_value() -> None:
    rng = np.random.default_rng(0)
    images = np.repeat(np.arange(20), 3)
    rewards, values = rng.random(60), rng.random(60)
    values[::3] = np.nan
    rewards[::3] = 99
    found = correlate(images.tolist(), rewards, Quality("AP", values), resamples=200, seed=0)
    pairs = [(rewards[k + 1 : k + 3].mean(), values[k + 1 : k + 3].mean()) for k in range(0, 60, 3)]
    assert found.value == pytest.approx(stats.spearmanr(*zip(*pairs, strict=True)).statistic, abs=1e-12)
    assert found.n == 20
    assert found.interval is not None
    assert found.value is not None
    assert -1 <= found.interval.low < found.value < found.interval.high <= 1


def test_few_images_or_no_spread_give_no_value_and_say_why() -> None:
    few = correlate(range(9), np.arange(9), Quality("IoU", np.arange(9.0)), resamples=10)
    assert (few.value, few.n, few.reason) == (None, 9, "fewer than 10 images")
    flat = correlate(range(10), np.full(10, 0.1) * 3, Quality("IoU", np.arange(10.0)), resamples=10)
    assert (flat.value, flat.reason) == (None, "all rewards are equal")
    same = correlate(range(10), np.arange(10), Quality("IoU", np.zeros(10)), resamples=10)
    assert (same.value, same.reason) == (None, "all values of IoU are equal")
    none = correlate([], [], Quality("AP", np.zeros(0)))
    assert (none.value, none.n) == (None, 0)
    hidden = correlate(range(30), np.arange(30), Quality("AP", np.full(30, np.nan)))
    assert (hidden.value, hidden.n) == (None, 0)
