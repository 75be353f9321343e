"""hotcoco, and the records that intervals are made of, against pycocotools and the lvis package."""

from __future__ import annotations

import numpy as np
import pytest
from detection_parity import differences, named
from detection_worlds import COCO_TINY, LVIS_100, World, generated, rare_lvis, real_coco, real_lvis

from vrft_eval.metrics.average_precision import pair_average_precisions
from vrft_eval.metrics.detection import detection_metrics
from vrft_eval.metrics.matches import find_matches
from vrft_eval.tasks import TASKS

TOLERANCE = 1e-9
# lvis 0.5.3 logs by a name that the standard library has given up.
pytestmark = pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")


def _within(gaps: dict[str, float]) -> None:
    assert {name: gap for name, gap in gaps.items() if not gap <= TOLERANCE} == {}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lvis", [False, True])
def test_every_number_equals_the_reference_on_generated_data(seed: int, lvis: bool) -> None:
    world = generated(seed, lvis=lvis)
    rows = [row["image_id"] for row in world.predictions]
    assert max(map(rows.count, set(rows))) > 300  # more than count
    gaps = differences(world)
    assert {"mAP", "AP50", "APs", "ARl", "records", "APr" if lvis else "AR100"} <= gaps.keys()
    _within(gaps)


def test_every_number_equals_pycocotools_on_the_real_photos() -> None:
    if not COCO_TINY.is_file():
        pytest.skip("the 80 real COCO photos (shared/data/coco_tiny) are not beside this checkout")
    _within(differences(real_coco()))


def test_every_number_equals_lvis_on_the_real_annotations() -> None:
    if not LVIS_100.is_file():
        pytest.skip("the 100 real LVIS images (shared/data/lvis) are not beside this checkout")
    world = real_lvis()
    assert any(image["not_exhaustive_category_ids"] for image in world.document["images"])
    _within(differences(world))


@pytest.mark.parametrize("task", ["lvis-rare6", "lvis-rare13"])
def test_the_means_over_rare_categories_equal_lvis(task: str) -> None:
    world = rare_lvis()
    names = TASKS[task].categories or ()
    selected = named(world, names)
    assert len(selected) == len(names)
    _within(differences(world, selected))
    table = world.table()
    found, whole = (detection_metrics(table, keys).overall["mAP"] for keys in (selected, table.category_ids))
    assert found not in (None, 0.0, whole)


@pytest.mark.parametrize("lvis", [False, True])
def test_the_precision_of_one_image_and_category_is_the_engines_on_that_alone(lvis: bool) -> None:
    world = generated(3, images=12, lvis=lvis)
    table = world.table()
    found = pair_average_precisions(table, find_matches(table))
    assert len(found) > 15
    for pair, value in found.items():
        image = table.image_ids[pair % len(table.image_ids)]
        category = table.category_ids[pair // len(table.image_ids)]
        alone = World(
            {
                **world.document,
                "images": [row for row in world.document["images"] if row["id"] == image],
                "annotations": [row for row in world.document["annotations"] if row["image_id"] == image],
            },
            [row for row in world.predictions if row["image_id"] == image],
            world.rule,
        )
        engine = detection_metrics(alone.table(), {category}).overall["mAP"]
        assert value == pytest.approx(engine, abs=TOLERANCE)


def test_only_pairs_with_truth_have_a_precision() -> None:
    world = generated(5)
    table = world.table()
    counts = table.truth.crowd == np.False_
    pairs = table.pair(table.truth.image, table.truth.category)[counts]
    assert set(pair_average_precisions(table, find_matches(table))) == set(pairs.tolist())
    some = find_matches(table, {table.category_ids[0]})
    assert set(some.category.tolist()) == set(some.truth_category.tolist()) == {0}
