"""COCO instances JSON: images, categories and boxes, each checked before anything relies on it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vrft_eval.errors import InputError
from vrft_eval.files import confined, read_json

Frequency = Literal["r", "c", "f"]

_LAYOUTS = (
    ("annotations/instances_val2017.json", "val2017"),
    ("annotations.json", "images"),
)


@dataclass(frozen=True)
class CocoImage:
    """One image: its size is (width, height).

    negatives are the categories verified to be absent; not_exhaustive those of which not every object is annotated.
    """

    id: int
    path: Path
    size: tuple[int, int]
    negatives: frozenset[int] = frozenset()
    not_exhaustive: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Annotation:
    """One true box, xywh in pixels as in the file."""

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    area: float
    crowd: bool

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """The box as corners."""
        x, y, w, h = self.bbox
        return (x, y, x + w, y + h)


@dataclass(frozen=True)
class CocoData:
    """A checked COCO file; images, categories and annotations in the file's order.

    rule says how detections are to be judged: as COCO does, or by LVIS's federated rules. frequencies are LVIS's
    groups of categories (rare, common, frequent); empty for COCO.
    """

    file: Path
    images: tuple[CocoImage, ...]
    categories: dict[int, str]
    annotations: tuple[Annotation, ...]
    frequencies: dict[int, Frequency] = field(default_factory=dict)
    rule: Literal["coco", "lvis"] = "coco"


def find_coco(data: Path | None, annotations: Path | None = None, images: Path | None = None) -> tuple[Path, Path]:
    """Find the annotation file and the image folder. Raises InputError naming what was looked for."""
    if annotations is not None:
        return annotations, images or (data or annotations.parent) / "images"
    if data is None:
        raise InputError("--data is needed (a folder), or --annotations with --images")
    if not data.is_dir():
        raise InputError("no such data folder", file=data)
    for file, folder in _LAYOUTS:
        if (data / file).is_file():
            return data / file, images or data / folder
    raise InputError(f"holds neither {' nor '.join(file for file, _ in _LAYOUTS)}", file=data)


def load_coco(file: Path, images: Path) -> CocoData:
    """Read and check a COCO instances file. Raises InputError that names the entry, the field and the value."""
    document = read_json(file)
    if not isinstance(document, dict):
        raise InputError("must be a JSON object with images, annotations and categories", file=file)
    lists = {name: _list(document, name, file) for name in ("images", "annotations", "categories")}
    for name in ("images", "categories"):
        if not lists[name]:
            raise InputError("must not be empty", file=file, field=name, value=[])
    categories = _categories(lists["categories"], file)
    image_rows = _images(lists["images"], categories, file, images)
    known = {image.id for image in image_rows}
    return CocoData(file, image_rows, categories, _annotations(lists["annotations"], known, categories, file))


def _list(document: dict[str, Any], name: str, file: Path) -> list[dict[str, Any]]:
    value = document.get(name)
    if not isinstance(value, list):
        raise InputError("must be a list", file=file, field=name, value=value)
    for position, entry in enumerate(value):
        if not isinstance(entry, dict):
            raise InputError("must be an object", file=file, field=f"{name}[{position}]", value=entry)
    return value


def _id(entry: dict[str, Any], field: str, where: str, file: Path) -> int:
    value = entry.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**53) < value < 2**53:
        raise InputError("must be a whole number", file=file, field=f"{where}.{field}", value=value)
    return value


def _categories(entries: list[dict[str, Any]], file: Path) -> dict[int, str]:
    categories: dict[int, str] = {}
    names: dict[str, str] = {}
    for position, entry in enumerate(entries):
        where = f"categories[{position}]"
        key, name = _id(entry, "id", where, file), entry.get("name")
        if key in categories:
            raise InputError("category id used twice", file=file, field=f"{where}.id", value=key)
        if not isinstance(name, str) or not name.strip():
            raise InputError("must be a name", file=file, field=f"{where}.name", value=name)
        if name in names:
            raise InputError(f"same name as {names[name]}", file=file, field=f"{where}.name", value=name)
        categories[key], names[name] = name, where
    return categories


def _images(
    entries: list[dict[str, Any]], categories: dict[int, str], file: Path, folder: Path
) -> tuple[CocoImage, ...]:
    found: dict[int, CocoImage] = {}
    for position, entry in enumerate(entries):
        where = f"images[{position}]"
        key = _id(entry, "id", where, file)
        if key in found:
            raise InputError("image id used twice", file=file, field=f"{where}.id", value=key)
        size = []
        for side in ("width", "height"):
            size.append(_id(entry, side, where, file))
            if size[-1] <= 0:
                raise InputError("must be positive", file=file, field=f"{where}.{side}", value=size[-1])
        path = confined(folder, entry.get("file_name"), file=file, field=f"{where}.file_name")
        negatives = _category_set(entry, "neg_category_ids", where, categories, file)
        not_exhaustive = _category_set(entry, "not_exhaustive_category_ids", where, categories, file)
        found[key] = CocoImage(key, path, (size[0], size[1]), negatives, not_exhaustive)
    return tuple(found.values())


def _category_set(
    entry: dict[str, Any], field: str, where: str, categories: dict[int, str], file: Path
) -> frozenset[int]:
    value = entry.get(field, [])
    if not isinstance(value, list):
        raise InputError("must be a list", file=file, field=f"{where}.{field}", value=value)
    for key in value:
        if not isinstance(key, int) or key not in categories:
            raise InputError("unknown category", file=file, field=f"{where}.{field}", value=key)
    return frozenset(value)


def _annotations(
    entries: list[dict[str, Any]], images: set[int], categories: dict[int, str], file: Path
) -> tuple[Annotation, ...]:
    seen: set[int] = set()
    found = []
    for position, entry in enumerate(entries):
        where = f"annotations[{position}]"
        if "id" in entry:
            key = _id(entry, "id", where, file)
            if key in seen:
                raise InputError("annotation id used twice", file=file, field=f"{where}.id", value=key)
            seen.add(key)
        image_id, category_id = _id(entry, "image_id", where, file), _id(entry, "category_id", where, file)
        if image_id not in images:
            raise InputError("unknown image", file=file, field=f"{where}.image_id", value=image_id)
        if category_id not in categories:
            raise InputError("unknown category", file=file, field=f"{where}.category_id", value=category_id)
        x, y, w, h = _bbox(entry.get("bbox"), f"{where}.bbox", file)
        area = entry.get("area", w * h)
        if not _finite(area) or area < 0:
            raise InputError("must be a number, 0 or more", file=file, field=f"{where}.area", value=area)
        crowd = entry.get("iscrowd", 0)
        if crowd not in (0, 1):
            raise InputError("must be 0 or 1", file=file, field=f"{where}.iscrowd", value=crowd)
        found.append(Annotation(image_id, category_id, (x, y, w, h), float(area), bool(crowd)))
    return tuple(found)


def _bbox(value: Any, field: str, file: Path) -> tuple[float, float, float, float]:
    if not isinstance(value, list) or len(value) != 4 or not all(_finite(number) for number in value):
        raise InputError("must be 4 finite numbers [x, y, width, height]", file=file, field=field, value=value)
    if value[2] < 0 or value[3] < 0:
        raise InputError("width and height must not be negative", file=file, field=field, value=value)
    x, y, w, h = (float(number) for number in value)
    return x, y, w, h


def _finite(value: Any) -> bool:
    # The bound keeps a huge JSON integer from overflowing float().
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15 and math.isfinite(value)
    )
