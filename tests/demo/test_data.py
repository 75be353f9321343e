"""The generated data sets: what they hold is what was drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from vrft_eval.demo.data import write_dataset
from vrft_eval.demo.flowers import SPECIES, make_flower
from vrft_eval.demo.scenes import CATEGORIES, GRID, IMAGE_SIZE, absent, describe, make_scene


@pytest.mark.parametrize("seed", range(40))
def test_a_mask_fills_its_box_to_the_edges(seed: int) -> None:
    for item in make_scene(seed).objects:
        ys, xs = np.nonzero(item.mask())
        assert (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) == item.box
        assert all(edge % GRID == 0 and 0 <= edge <= IMAGE_SIZE for edge in item.box)


@pytest.mark.parametrize("seed", range(40))
def test_a_description_fits_one_object_only(seed: int) -> None:
    scene = make_scene(seed)
    for k in range(5):
        text, target = (d := describe(scene, np.random.default_rng(k))).text, d.target
        words = text.split()
        named = [
            o
            for o in scene.objects
            if (words[-1] in ("shape", o.shape)) and all(w == o.colour for w in words[1:-1] if not w.endswith("st"))
        ]
        assert target in named
        orders = {
            "largest": lambda o: -o.area,
            "smallest": lambda o: o.area,
            "leftmost": lambda o: o.box[0] + o.box[2],
            "rightmost": lambda o: -o.box[0] - o.box[2],
            "topmost": lambda o: o.box[1] + o.box[3],
            "bottommost": lambda o: -o.box[1] - o.box[3],
        }
        order = next((orders[w] for w in words if w in orders), None)
        best = [o for o in named if order is None or order(o) == min(map(order, named))]
        assert best == [target], text


def test_an_absent_category_is_absent() -> None:
    for seed in range(50):
        scene = make_scene(seed)
        assert absent(scene, np.random.default_rng(seed)) not in {o.category for o in scene.objects}


def test_every_species_and_category_is_drawn() -> None:
    assert {make_flower(seed).species for seed in range(300)} == set(SPECIES)
    assert {o.category for seed in range(300) for o in make_scene(seed).objects} == set(CATEGORIES)


def test_the_detection_set_is_coco(tmp_path: Path) -> None:
    write_dataset("shapes-detection", tmp_path / "data", 5)
    coco = COCO(str(tmp_path / "data" / "annotations.json"))
    assert len(coco.getImgIds()) == 5
    for image in coco.loadImgs(coco.getImgIds()):
        assert Image.open(tmp_path / "data" / "images" / image["file_name"]).size == (112, 112)
        present = {a["category_id"] for a in coco.loadAnns(coco.getAnnIds(image["id"]))}
        assert present
        assert not present & set(image["neg_category_ids"])


def test_the_grounding_set_has_the_masks_of_its_boxes(tmp_path: Path) -> None:
    write_dataset("shapes-grounding", tmp_path / "data", 5)
    rows = [json.loads(line) for line in (tmp_path / "data" / "grounding.jsonl").read_text().splitlines()]
    assert len(rows) == 5
    for row in rows:
        x, y, width, height = coco_mask.toBbox(row["mask"])
        assert [x, y, x + width, y + height] == row["box"]


def test_a_data_set_is_a_function_of_its_seed(tmp_path: Path) -> None:
    for task in ("shapes-detection", "shapes-classification", "shapes-grounding"):
        trees = []
        for name, seed in (("a", 0), ("b", 0), ("c", 1)):
            write_dataset(task, tmp_path / task / name, 4, seed=seed)
            root = tmp_path / task / name
            files = (p for p in sorted(root.rglob("*")) if p.is_file() and p.name != "generated.json")
            trees.append({str(p.relative_to(root)): p.read_bytes() for p in files})
        assert trees[0] == trees[1]
        assert trees[0] != trees[2]


def test_a_folder_with_other_data_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    write_dataset("shapes-grounding", folder, 2)
    write_dataset("shapes-grounding", folder, 2)
    with pytest.raises(ValueError, match="holds other data"):
        write_dataset("shapes-grounding", folder, 3)
    with pytest.raises(ValueError, match="shapes-sound"):
        write_dataset("shapes-sound", tmp_path / "x", 1)
    assert not (tmp_path / "x").exists()
