"""Classification data of any layout: published ones, CoOp's splits, Visual-RFT's files, folders, tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from vrft_eval.datasets.aircraft import load_aircraft
from vrft_eval.datasets.cars import load_cars
from vrft_eval.datasets.coop import load_coop
from vrft_eval.datasets.flowers import load_flowers
from vrft_eval.datasets.folder import INDEXES, load_class_folders, load_index
from vrft_eval.datasets.hub import HubRow, bad_row, is_hub, note_question, plain_question, read_hub
from vrft_eval.datasets.labelled import Labelled, LabelledImage
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.datasets.pets import load_pets
from vrft_eval.datasets.presence import Origin, look_for
from vrft_eval.datasets.released import load_released
from vrft_eval.errors import InputError, nearest
from vrft_eval.findings import Findings
from vrft_rewards import Status, parse_label

Loader = Callable[[Path, Path, str, LoadOptions, Findings], Labelled]


@dataclass(frozen=True)
class Published:
    """How a data set lies on disk.

    images is the folder of its images and their prefix in the ids ({split} is replaced); coop is CoOp's file, where it
    has one; homes are where the official files lie, below the data folder; files is the official file of each split.
    """

    images: str
    coop: str | None
    released: str
    files: dict[str, str]
    load: Loader
    homes: tuple[str, ...] = (".",)


PUBLISHED: dict[str, Published] = {
    "flowers102": Published(
        "jpg",
        "split_zhou_OxfordFlowers.json",
        "oxford_flowers.pth",
        dict.fromkeys(("test", "train", "val"), "setid.mat"),
        load_flowers,
    ),
    "pets37": Published(
        "images",
        "split_zhou_OxfordPets.json",
        "pets.pth",
        {"test": "test.txt", "trainval": "trainval.txt"},
        load_pets,
        ("annotations",),
    ),
    "fgvc-aircraft": Published(
        "images",
        None,
        "fgvc_aircraft.pth",
        {split: f"images_variant_{split}.txt" for split in ("test", "train", "val", "trainval")},
        load_aircraft,
        (".", "data", "fgvc-aircraft-2013b/data"),
    ),
    "cars196": Published(
        "cars_{split}",
        "split_zhou_StanfordCars.json",
        "stanford_cars.pth",
        {"test": "cars_test_annos_withlabels.mat", "train": "cars_train_annos.mat"},
        load_cars,
        (".", "devkit"),
    ),
}

_ANNOTATION_FOLDERS = ("annotations", "devkit")


def load_classification(layout: str, options: LoadOptions, findings: Findings, question: str) -> Labelled:
    """Read the data of a classification task; images that are not there are left out when that is asked for.

    layout is a key of `PUBLISHED`, or folder; question is what will be asked. Raises InputError.
    """
    if options.annotations is None and options.data is None:
        raise InputError("--data is needed (a folder), or --annotations with --images")
    if options.data is not None and not options.data.is_dir():
        raise InputError("no such data folder", file=options.data)
    if options.annotations is None and is_hub(options.data):
        return _from_hub(options, findings, question)
    whole = _load(layout, options, findings)
    paths = [image.path for image in whole.images]
    origin, dropped = look_for(paths, whole.origin.roots, options.missing, options.left_out, findings)
    images = tuple(image for image in whole.images if image.path not in dropped)
    return replace(whole, images=images, origin=origin)


def _load(layout: str, options: LoadOptions, findings: Findings) -> Labelled:
    file = options.annotations
    home = options.data or (file or Path()).parent
    published = PUBLISHED.get(layout)
    if file is not None and file.suffix.lower() == ".pth":
        return load_released(file, home, options, findings)
    if published is not None:
        return _load_published(published, home, options, findings)
    if file is not None and file.name.startswith("split_zhou_"):
        return load_coop(file, options.images or home, "", options, findings)
    if options.split is not None:
        raise InputError("this layout has no splits", field="--split", value=options.split)
    if file is not None:
        return load_index(file, options, findings)
    for name in INDEXES:
        if (home / name).is_file():
            return load_index(home / name, options, findings)
    return load_class_folders(home, options, findings)


def _load_published(published: Published, home: Path, options: LoadOptions, findings: Findings) -> Labelled:
    """CoOp's file before Visual-RFT's and the official one: its images are those of the paper's tables."""
    split, file = options.split or "test", options.annotations
    prefix = published.images.format(split=split)
    coop = None if published.coop is None else home / published.coop
    if file is not None:
        coop = file if file.name.startswith("split_zhou_") else None
    if coop is not None and (coop == file or coop.is_file()):
        # In Cars, CoOp's paths hold the folder of the images.
        folder = "" if "{split}" in published.images else prefix
        return load_coop(coop, options.images or home / folder, folder, options, findings)
    if file is not None:
        beside = _image_home(file)
        beside = home if (home / prefix).is_dir() and not (beside / prefix).is_dir() else beside
        return published.load(file, options.images or beside / prefix, prefix, options, findings)
    for released in (home / published.released, home / "val_data" / published.released):
        if released.is_file() and split == "test":
            return load_released(released, home, options, findings)
    if split not in published.files:
        raise InputError(f"there are {', '.join(published.files)}", field="--split", value=split)
    for place in published.homes:
        found = home / place / published.files[split]
        if found.is_file():
            beside = _image_home(found)
            return published.load(found, options.images or beside / prefix, prefix, options, findings)
    official = [f"{place}/{published.files[split]}".removeprefix("./") for place in published.homes]
    tried = [name for name in (published.coop, published.released, *official) if name is not None]
    raise InputError(f"holds none of {', '.join(tried)}", file=home)


def _image_home(file: Path) -> Path:
    """Where the image folder of an official file lies: beside the file, or beside its folder of annotations."""
    return file.parent.parent if file.parent.name in _ANNOTATION_FOLDERS else file.parent


def _from_hub(options: LoadOptions, findings: Findings, question: str) -> Labelled:
    rows, embedded = read_hub(options, findings)
    for row in rows:
        if plain_question(row.problem) != plain_question(question):
            note_question(row, findings)
    folder = embedded.table.folder
    images = [image for row in rows if (image := _labelled(row, folder, options, findings)) is not None]
    if not images:
        raise InputError("holds no rows that can be used", file=folder)
    labels = options.labels or tuple(dict.fromkeys(image.label for image in images))
    return Labelled(folder, tuple(images), labels, Origin((folder,), embedded=embedded))


def _labelled(row: HubRow, folder: Path, options: LoadOptions, findings: Findings) -> LabelledImage | None:
    found = parse_label(row.answer)
    if found.status is not Status.LABEL:
        bad_row(row, folder, "the solution names no class", row.answer, findings)
    elif options.labels is not None and found.text not in options.labels:
        bad_row(row, folder, f"there is no such class; {nearest(found.text, options.labels)}", found.text, findings)
    else:
        return LabelledImage(row.path.name, row.path, found.text)
    return None
