"""COCO and LVIS instances JSON: images, categories and boxes, each checked before anything relies on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from vrft_eval.datasets.annotations import Annotation, Annotations
from vrft_eval.datasets.checks import is_name, is_number, is_whole
from vrft_eval.datasets.coco_columns import decode
from vrft_eval.datasets.presence import Origin
from vrft_eval.errors import InputError
from vrft_eval.files import confined, parse_json, read_bytes
from vrft_eval.findings import Findings

Frequency = Literal["r", "c", "f"]
Rule = Literal["coco", "lvis"]

# Nothing here needs polygons, and they are most of such a file: 190 MB of it for LVIS.
_UNUSED = frozenset({"segmentation"})
_SOME = 20


@dataclass(frozen=True, slots=True)
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
class CocoData:
    """A checked COCO file; images, categories and annotations in the file's order.

    rule says how detections are to be judged: as COCO does, or by LVIS's federated rules. frequencies are LVIS's
    groups of categories (rare, common, frequent); empty for COCO. synonyms are LVIS's further names of a category.
    """

    file: Path
    images: tuple[CocoImage, ...]
    categories: dict[int, str]
    annotations: Annotations
    frequencies: dict[int, Frequency] = field(default_factory=dict)
    rule: Rule = "coco"
    synonyms: dict[int, tuple[str, ...]] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)


def load_coco(file: Path, images: Path, findings: Findings | None = None) -> CocoData:
    """Read and check a COCO instances file, or one of LVIS: that is one whose categories have a `frequency`.

    images is the folder that `file_name` is relative to; for LVIS the folder that holds `train2017` and `val2017`, or
    one that holds the image files themselves. Raises InputError that names the entry, the field and the value.
    """
    return _Reader(file, images, findings or Findings()).read()


class _Reader:
    """Reads one file; an entry that can't be used is left out when the findings collect errors."""

    def __init__(self, file: Path, folder: Path, findings: Findings) -> None:
        self.file = file
        self.folder = folder
        self.findings = findings
        self.frequencies: dict[int, Frequency] = {}
        self.synonyms: dict[int, tuple[str, ...]] = {}

    def read(self) -> CocoData:
        data = read_bytes(self.file)
        columns = decode(data)
        if columns is None:
            lists = self._lists(data)
        else:
            lists = {name: self._list({name: getattr(columns, name)}, name) for name in ("images", "categories")}
        for name in ("images", "categories"):
            if not lists[name]:
                raise InputError("must not be empty", file=self.file, field=name, value=[])
        categories = self._categories(lists["categories"])
        rule: Rule = "lvis" if self.frequencies else "coco"
        if self.frequencies and len(self.frequencies) != len(categories):
            lacking = next(name for key, name in categories.items() if key not in self.frequencies)
            raise InputError(
                f"some categories have a frequency (LVIS), {lacking!r} has none", file=self.file, field="categories"
            )
        images = self._images(lists["images"], categories, rule)
        if rule == "lvis":
            images = self._settled(images)
        annotations = None if columns is None else columns.fitting(images, categories)
        if annotations is None:
            entries = (lists if columns is None else self._lists(data))["annotations"]
            annotations = Annotations.of(self._annotations(entries, images, categories))
        roots: tuple[Path, ...] = (self.folder,)
        if rule == "lvis":
            # The two folders of COCO's images are as a rule links to where COCO lies.
            roots += tuple(dict.fromkeys(image.path.parent for image in images.values()))
        return CocoData(
            self.file,
            tuple(images.values()),
            categories,
            annotations,
            self.frequencies,
            rule,
            self.synonyms,
            Origin(roots),
        )

    def _bad(self, message: str, where: str, value: Any, kind: str = "unusable_entry") -> None:
        self.findings.error(kind, InputError(message, file=self.file, field=where, value=value))

    def _lists(self, data: bytes) -> dict[str, list[Any]]:
        document = parse_json(data, self.file, leave_out=_UNUSED)
        if not isinstance(document, dict):
            raise InputError("must be a JSON object with images, annotations and categories", file=self.file)
        return {name: self._list(document, name) for name in ("images", "annotations", "categories")}

    def _list(self, document: dict[str, Any], name: str) -> list[Any]:
        value = document.get(name)
        if not isinstance(value, list):
            raise InputError("must be a list", file=self.file, field=name, value=value)
        return value

    def _entries(self, entries: list[Any], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for position, entry in enumerate(entries):
            if isinstance(entry, dict):
                yield position, entry
            else:
                self._bad("must be an object", f"{name}[{position}]", entry)

    def _categories(self, entries: list[Any]) -> dict[int, str]:
        categories: dict[int, str] = {}
        names: dict[str, str] = {}
        for position, entry in self._entries(entries, "categories"):
            where = f"categories[{position}]"
            key, name = entry.get("id"), entry.get("name")
            if not is_whole(key):
                self._bad("must be a whole number", f"{where}.id", key)
            elif key in categories:
                self._bad("category id used twice", f"{where}.id", key, "duplicate_id")
            elif not is_name(name):
                self._bad("must be a name", f"{where}.name", name)
            elif name in names:
                self._bad(f"same name as {names[name]}", f"{where}.name", name)
            else:
                categories[key], names[name] = name, where
                self._lvis_fields(key, entry, where)
        return categories

    def _lvis_fields(self, key: int, entry: dict[str, Any], where: str) -> None:
        frequency = entry.get("frequency")
        for known in get_args(Frequency):
            if frequency == known:
                self.frequencies[key] = known
        if frequency is not None and key not in self.frequencies:
            self._bad("must be r, c or f", f"{where}.frequency", frequency)
        synonyms = entry.get("synonyms", [])
        if isinstance(synonyms, list) and all(is_name(synonym) for synonym in synonyms):
            self.synonyms[key] = tuple(synonyms)
        else:
            self._bad("must be a list of names", f"{where}.synonyms", synonyms)

    def _images(self, entries: list[Any], categories: dict[int, str], rule: Rule) -> dict[int, CocoImage]:
        found: dict[int, CocoImage] = {}
        for position, entry in self._entries(entries, "images"):
            where = f"images[{position}]"
            key, width, height = entry.get("id"), entry.get("width"), entry.get("height")
            if not is_whole(key):
                self._bad("must be a whole number", f"{where}.id", key)
            elif key in found:
                self._bad("image id used twice", f"{where}.id", key, "duplicate_id")
            elif (size := self._size(width, height, where)) is not None and (
                path := self._path(entry, where, rule)
            ) is not None:
                negatives = self._category_set(entry, "neg_category_ids", where, categories)
                not_exhaustive = self._category_set(entry, "not_exhaustive_category_ids", where, categories)
                found[key] = CocoImage(key, path, size, negatives, not_exhaustive)
        return found

    def _size(self, width: Any, height: Any, where: str) -> tuple[int, int] | None:
        for name, side in (("width", width), ("height", height)):
            if not is_whole(side):
                self._bad("must be a whole number", f"{where}.{name}", side)
                return None
            if side <= 0:
                self._bad("must be positive", f"{where}.{name}", side)
                return None
        return width, height

    def _path(self, entry: dict[str, Any], where: str, rule: Rule) -> Path | None:
        """Where the image lies: LVIS draws from two folders of COCO, which only `coco_url` tells."""
        url, name, field_name = entry.get("coco_url"), entry.get("file_name"), "file_name"
        if isinstance(url, str) and url.count("/") >= 2 and (rule == "lvis" or name is None):
            name, field_name = "/".join(url.split("/")[-2:]), "coco_url"
        try:
            return confined(self.folder, name, file=self.file, field=f"{where}.{field_name}")
        except InputError as error:
            self.findings.error("path_outside" if isinstance(name, str) else "unusable_entry", error)
            return None

    def _settled(self, images: dict[int, CocoImage]) -> dict[int, CocoImage]:
        """One folder may hold the images of both splits: then the split in an address is no folder here."""
        splits = {image.path.parent for image in images.values()}
        some = list(images.values())[:_SOME]
        if any(split.is_dir() for split in splits) or not any((self.folder / i.path.name).is_file() for i in some):
            return images
        return {key: replace(image, path=self.folder / image.path.name) for key, image in images.items()}

    def _category_set(self, entry: dict[str, Any], name: str, where: str, categories: dict[int, str]) -> frozenset[int]:
        if name not in entry:
            return frozenset()
        value = entry[name]
        if not isinstance(value, list):
            self._bad("must be a list", f"{where}.{name}", value)
            return frozenset()
        for key in value:
            if type(key) is not int or key not in categories:
                self._bad("unknown category", f"{where}.{name}", key, "unknown_category")
        return frozenset(key for key in value if type(key) is int and key in categories)

    def _annotations(
        self, entries: list[Any], images: dict[int, CocoImage], categories: dict[int, str]
    ) -> Iterator[Annotation]:
        seen: set[int] = set()
        for position, entry in self._entries(entries, "annotations"):
            wrong = self._wrong(entry, seen, images, categories)
            if wrong is not None:
                name, message, kind = wrong
                self._bad(message, f"annotations[{position}].{name}", entry.get(name), kind)
                continue
            if not entry.get("id"):
                self.findings.see("id_zero" if "id" in entry else "id_absent", f"annotations[{position}]")
            x, y, w, h = entry["bbox"]
            area = entry.get("area")
            if area is None:
                self.findings.see("area_absent", f"annotations[{position}]")
                area = w * h
            yield Annotation(
                entry["image_id"],
                entry["category_id"],
                (float(x), float(y), float(w), float(h)),
                float(area),
                bool(entry.get("iscrowd", 0)),
            )

    @staticmethod
    def _wrong(
        entry: dict[str, Any], seen: set[int], images: dict[int, CocoImage], categories: dict[int, str]
    ) -> tuple[str, str, str] | None:
        """The field that is wrong, what it must be, and the kind of finding."""
        kind = "unusable_entry"
        key = entry.get("id")
        if "id" in entry:
            if not is_whole(key):
                return "id", "must be a whole number", kind
            if key in seen:
                return "id", "annotation id used twice", "duplicate_id"
            seen.add(key)
        if not is_whole(image_id := entry.get("image_id")) or image_id not in images:
            return "image_id", "unknown image", kind
        if not is_whole(category_id := entry.get("category_id")) or category_id not in categories:
            return "category_id", "unknown category", "unknown_category"
        box = entry.get("bbox")
        if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):
            return "bbox", "must be 4 finite numbers [x, y, width, height]", kind
        if box[2] < 0 or box[3] < 0:
            return "bbox", "width and height must not be negative", kind
        area = entry.get("area")
        if area is not None and (not is_number(area) or area < 0):
            return "area", "must be a number, 0 or more", kind
        if entry.get("iscrowd", 0) not in (0, 1):
            return "iscrowd", "must be 0 or 1", kind
        return None
