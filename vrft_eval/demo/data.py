"""Write the generated data sets to disk, in the layouts that real data sets have."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from vrft_eval.demo.flowers import SPECIES, make_flower
from vrft_eval.demo.scenes import CATEGORIES, IMAGE_SIZE, absent, describe, make_scene

# Seeds of the splits are far apart, and far from those that `trainers.demo` trains on (2**40 and above): no image is in
# two of them.
_SPLITS = {"test": 10_000_000, "validation": 20_000_000, "train": 2**36}


def write_dataset(task: str, folder: Path, count: int, seed: int = 0, split: str = "test") -> None:
    """Write `count` images of a task (`shapes-detection`, `shapes-classification`, `shapes-grounding`) and their truth.

    The folder is complete or absent: everything is written beside it first. A folder that is there already is
    left as it is when it holds just this data, and refused with a ValueError when it holds other data.
    """
    if task not in _WRITERS:
        raise ValueError(f"no generated data set named {task!r}; there are {', '.join(_WRITERS)}")
    if split not in _SPLITS:
        raise ValueError(f"no split named {split!r}; there are {', '.join(_SPLITS)}")
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    made = {"task": task, "count": count, "seed": seed, "split": split}
    record = folder / "generated.json"
    if folder.exists():
        if not record.is_file() or json.loads(record.read_text(encoding="utf-8")) != made:
            raise ValueError(f"{folder} holds other data than {made}; name another folder or delete it")
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        first = _SPLITS[split] + 100_000 * seed
        _WRITERS[task](work, range(first, first + count))
        (work / "generated.json").write_text(json.dumps(made) + "\n", encoding="utf-8")
        work.chmod(0o755)  # mkdtemp makes it private
        work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _detection(folder: Path, seeds: range) -> None:
    """COCO's instances JSON. `neg_category_ids` names one category that is absent and asked about all the same."""
    (folder / "images").mkdir()
    ids = {name: k for k, name in enumerate(CATEGORIES, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, seed in enumerate(seeds, start=1):
        scene = make_scene(seed)
        name = f"{image_id:06d}.png"
        scene.image.save(folder / "images" / name)
        negative = absent(scene, np.random.default_rng([seed, 2]))
        images.append(
            {
                "id": image_id,
                "file_name": name,
                "width": IMAGE_SIZE,
                "height": IMAGE_SIZE,
                "neg_category_ids": [ids[negative]],
            }
        )
        for item in scene.objects:
            x1, y1, x2, y2 = item.box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": ids[item.category],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": int(item.mask().sum()),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": k, "name": name} for name, k in ids.items()]
    truth = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(truth) + "\n", encoding="utf-8")


def _classification(folder: Path, seeds: range) -> None:
    """A folder of images per species."""
    for species in SPECIES:
        (folder / species).mkdir()
    for k, seed in enumerate(seeds):
        flower = make_flower(seed)
        flower.image.save(folder / flower.species / f"{k:06d}.png")


def _grounding(folder: Path, seeds: range) -> None:
    """JSON Lines: image, phrase, box (x1, y1, x2, y2) in pixels, mask as COCO's compressed run lengths."""
    (folder / "images").mkdir()
    lines = []
    for k, seed in enumerate(seeds):
        scene = make_scene(seed)
        description = describe(scene, np.random.default_rng([seed, 2]))
        path = f"images/{k:06d}.png"
        scene.image.save(folder / path)
        row = {
            "image": path,
            "text": description.text,
            "box": list(description.target.box),
            "mask": _run_lengths(description.target.mask()),
        }
        lines.append(json.dumps(row) + "\n")
    (folder / "grounding.jsonl").write_text("".join(lines), encoding="utf-8")


def _run_lengths(mask: NDArray[np.bool_]) -> dict[str, Any]:
    encoded = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(mask.shape), "counts": encoded["counts"].decode("ascii")}


_WRITERS: dict[str, Callable[[Path, range], None]] = {
    "shapes-detection": _detection,
    "shapes-classification": _classification,
    "shapes-grounding": _grounding,
}
