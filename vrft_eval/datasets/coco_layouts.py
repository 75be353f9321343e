"""Where the annotation file and the images of a detection data set lie."""

from __future__ import annotations

from pathlib import Path

from vrft_eval.errors import InputError

# (annotation file, folder of its images), below the data folder; the first that is there is taken.
_COCO = (
    ("annotations/instances_{split}.json", "{split}"),
    ("{split}/_annotations.coco.json", "{split}"),
)
_WITHOUT_SPLIT = (("annotations.json", "images"), ("_annotations.coco.json", "."))
_LVIS = (
    ("lvis_v1_{split}.json", "."),
    ("annotations/lvis_v1_{split}.json", "."),
    ("lvis_v0.5_{split}.json", "."),
    ("annotations/lvis_v0.5_{split}.json", "."),
)
_SPLITS = {"coco": ("val2017", "test", "valid"), "lvis": ("val",)}


def find_coco(
    data: Path | None,
    annotations: Path | None = None,
    images: Path | None = None,
    split: str | None = None,
    layout: str = "coco",
) -> tuple[Path, Path]:
    """Find the annotation file and the image folder; `layout` is coco or lvis, without a split its usual one is taken.

    Raises InputError naming what was looked for.
    """
    if annotations is not None:
        return annotations, images or _images_of(annotations, data)
    if data is None:
        raise InputError("--data is needed (a folder), or --annotations with --images")
    if not data.is_dir():
        raise InputError("no such data folder", file=data)
    tried = []
    for file, folder in _layouts(layout, split):
        if (data / file).is_file():
            return data / file, images or data / folder
        tried.append(file)
    raise InputError(f"holds neither {' nor '.join(tried)}", file=data)


def _layouts(layout: str, split: str | None) -> list[tuple[str, str]]:
    named = _LVIS if layout == "lvis" else _COCO
    splits = _SPLITS[layout] if split is None else (split,)
    found = [(file.format(split=name), folder.format(split=name)) for name in splits for file, folder in named]
    return found if split is not None or layout == "lvis" else found + list(_WITHOUT_SPLIT)


def _images_of(annotations: Path, data: Path | None) -> Path:
    """The image folder of an annotation file that was named: by the layout it is part of."""
    home = annotations.parent
    root = data or (home.parent if home.name == "annotations" else home)
    if annotations.name == "_annotations.coco.json":
        return home
    if annotations.name.startswith("lvis_"):
        return root
    if annotations.name.startswith("instances_"):
        return root / annotations.stem.removeprefix("instances_")
    return (data or home) / "images"
