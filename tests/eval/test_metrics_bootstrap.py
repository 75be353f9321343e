from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from eval_helpers import write_lines

from vrft_eval import commands
from vrft_eval.commands import DataPaths
from vrft_eval.metrics.bootstrap import (
    TermRecords,
    Terms,
    bootstrap,
    compare_records,
    draw,
    interval_around,
    resample,
)


def test_draws_are_images_with_replacement_and_depend_on_the_seed_only() -> None:
    weights = np.concatenate(list(draw(50, 200, seed=3)))
    assert weights.shape == (200, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert weights.mean() == 1
    # The number of times one image is drawn has the variance of a binomial, n p (1 - p).
    assert weights.var() == pytest.approx(1 - 1 / 50, abs=0.05)
    assert (weights == np.concatenate(list(draw(50, 200, seed=3)))).all()
    assert (weights != np.concatenate(list(draw(50, 200, seed=4)))).any()


def test_draws_come_in_pieces_that_are_the_same_rows() -> None:
    pieces = list(draw(2_000_000, 5, seed=0))
    assert [len(piece) for piece in pieces] == [2, 2, 1]
    assert (pieces[0][0] == next(draw(2_000_000, 1, seed=0))[0]).all()


def test_resampled_means_and_ratios_are_those_of_the_repeated_samples() -> None:
    """Two questions about each of some images: they are drawn together."""
    rng = np.random.default_rng(0)
    images = [f"image {k}" for k in (0, 0, 1, 1, 2, 3, 3, 3, 4)]
    values = rng.random(9)
    values[4] = np.nan
    above, below = rng.random(9), rng.random(9) + 1
    terms = {"mean": Terms.mean(values), "ratio": Terms(above, below, 0.5)}
    records = TermRecords(images, terms)
    assert records.images == tuple(f"image {k}" for k in range(5))
    found = resample(records, 40, seed=1)
    for row, weights in enumerate(np.concatenate(list(draw(5, 40, seed=1)))):
        places = [k for k, image in enumerate(images) for _ in range(weights[int(image[-1])])]
        repeated = values[places]
        expected = np.nanmean(repeated) if (~np.isnan(repeated)).any() else np.nan
        assert found["mean"][row] == pytest.approx(expected, nan_ok=True)
        assert found["ratio"][row] == pytest.approx(above[places].sum() / (below[places].sum() + 0.5))
    assert terms["mean"].value == pytest.approx(np.nanmean(values))
    assert Terms.mean([]).value is None


def test_the_interval_of_a_mean_has_the_width_of_its_standard_error() -> None:
    values = np.random.default_rng(0).random(2000)
    interval = bootstrap(TermRecords(range(2000), {"mean": Terms.mean(values)}), 1000, seed=0)["mean"]
    error = values.std() / np.sqrt(2000)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert (interval.low + interval.high) / 2 == pytest.approx(values.mean(), abs=error / 3)
    assert abs(interval.bias) < error / 5


def test_samples_of_one_image_are_no_independent_evidence() -> None:
    values = np.repeat(np.random.default_rng(0).random(100), 20)
    alone = bootstrap(TermRecords(range(2000), {"mean": Terms.mean(values)}), 500, seed=0)["mean"]
    together = bootstrap(TermRecords(np.repeat(range(100), 20).tolist(), {"mean": Terms.mean(values)}), 500, seed=0)
    assert together["mean"].high - together["mean"].low > 3 * (alone.high - alone.low)


def test_no_interval_without_resamples_images_or_values() -> None:
    records = TermRecords([1, 2], {"mean": Terms.mean([0.0, 1.0])})
    assert bootstrap(records, 0, seed=0) == {}
    assert bootstrap(TermRecords([1, 1], {"mean": Terms.mean([0.0, 1.0])}), 100, seed=0) == {}
    assert bootstrap(TermRecords([1, 2], {"mean": Terms.mean([np.nan, np.nan])}), 100, seed=0) == {}
    some = bootstrap(TermRecords([1, 2], {"mean": Terms.mean([np.nan, 1.0])}), 100, seed=0)["mean"]
    assert some.resamples < 100
    assert (some.low, some.high) == (1.0, 1.0)


def test_an_interval_stays_inside_its_bounds() -> None:
    interval = interval_around(0.95, np.linspace(0.8, 1.0, 101))
    assert interval is not None
    assert interval.high == 1.0
    assert interval.low == pytest.approx(0.855)
    assert interval.bias == pytest.approx(-0.05)


def test_paired_runs_are_compared_on_the_same_draws() -> None:
    """A small gain on every image is beyond doubt, though the two intervals overlap by far."""
    values = np.random.default_rng(0).random(200) * 0.9
    one = TermRecords(range(200), {"mIoU": Terms.mean(values), "only here": Terms.mean(values)})
    other = TermRecords(list(reversed(range(200))), {"mIoU": Terms.mean(values[::-1] + 0.01)})
    apart = [bootstrap(records, 500, seed=0)["mIoU"] for records in (one, other)]
    assert apart[0].high > apart[1].low
    found = compare_records(one, other, 500, seed=0)
    assert found.keys() == {"mIoU"}
    gain = found["mIoU"]
    assert gain.value == pytest.approx(0.01)
    assert gain.interval is not None
    assert (gain.interval.low, gain.interval.high) == pytest.approx((0.01, 0.01))
    assert gain.p == pytest.approx(2 / 501)
    back = compare_records(other, one, 500, seed=0)["mIoU"]
    assert back.value == pytest.approx(-0.01)
    assert back.p == gain.p


def test_p_values_of_runs_that_do_not_differ_are_spread_evenly() -> None:
    """Of 200 pairs of runs of equal quality about one in five is below 0.2, and one in twenty below 0.05."""
    rng = np.random.default_rng(0)
    values = []
    for _ in range(200):
        one, other = (TermRecords(range(60), {"accuracy": Terms.mean(rng.random(60))}) for _ in range(2))
        p = compare_records(one, other, 200, seed=0)["accuracy"].p
        assert p is not None
        values.append(p)
    assert 0.1 < np.mean(np.array(values) < 0.2) < 0.3
    assert 0.01 < np.mean(np.array(values) < 0.05) < 0.11


def test_runs_over_other_images_are_not_compared_and_no_resamples_give_no_interval() -> None:
    one, other = (TermRecords(range(size), {"mIoU": Terms.mean(np.ones(size))}) for size in (3, 4))
    with pytest.raises(ValueError, match="over the same images; only one of them has 3"):
        compare_records(one, other, 10, seed=0)
    bare = compare_records(one, one, 0, seed=0)["mIoU"]
    assert (bare.value, bare.interval, bare.p) == (0.0, None, None)


@pytest.mark.parametrize(
    ("task", "answer", "names"),
    [
        ("shapes-classification", "red circle", {"accuracy"}),
        ("shapes-grounding", "(100,100),(600,600)", {"mIoU", "Acc50", "gIoU", "cIoU"}),
    ],
)
def test_the_other_kinds_have_intervals_and_a_correlation_too(
    tmp_path: Path, shapes: Callable[[str], Path], task: str, answer: str, names: set[str]
) -> None:
    folder = shapes(task)
    keys = sorted(folder.rglob("*.png"))
    texts = [answer, "", answer]
    rows = [
        {
            "id": key.relative_to(folder).as_posix() if "class" in task else key.stem,
            "completion": f"<think>Look.</think><answer>{texts[k % 3]}</answer>",
        }
        for k, key in enumerate(keys)
    ]
    responses = write_lines(tmp_path / "r.jsonl", rows)
    paths = DataPaths(folder)
    report = commands.score(task, responses, tmp_path / "run", paths=paths, resamples=50).report
    assert names <= report.intervals.keys() <= report.metrics.keys()
    for name, interval in report.intervals.items():
        value = report.metrics[name]
        assert value is not None
        assert interval.low <= value <= interval.high
        assert interval.resamples == 50
    assert report.correlation is not None
    assert report.correlation.n == 12
    assert report.engine is None
    assert report.diagnostics is None
    assert f"{report.correlation.metric}: " in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
