"""Oxford Flowers 102 as published: `jpg/image_00001.jpg`, `imagelabels.mat`, `setid.mat`; it has no class names."""

from __future__ import annotations

from pathlib import Path

from vrft_eval.datasets.labelled import Collector, Labelled
from vrft_eval.datasets.matlab import read_mat, whole_numbers
from vrft_eval.datasets.names import read_names
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings

_SPLITS = {"test": "tstid", "train": "trnid", "val": "valid"}
_NAMES = ("cat_to_name.json", "oxford_flowers.txt")


def load_flowers(file: Path, folder: Path, prefix: str, options: LoadOptions, findings: Findings) -> Labelled:
    """Read `setid.mat` and the `imagelabels.mat` beside it; the names come from `--labels` or `cat_to_name.json`.

    Raises InputError when there are no names, and for an image number without a label.
    """
    split = options.split or "test"
    if split not in _SPLITS:
        raise InputError(f"there is no such split; there are {', '.join(_SPLITS)}", file=file, field="split")
    labels_file = file.parent / "imagelabels.mat"
    labels = whole_numbers(read_mat(labels_file, "labels")["labels"], labels_file, "labels")
    wanted = whole_numbers(read_mat(file, _SPLITS[split])[_SPLITS[split]], file, _SPLITS[split])
    names = options.labels or _names(file.parent)
    collector = Collector(file, folder, findings, names, prefix)
    for position, number in enumerate(wanted):
        where = f"{_SPLITS[split]}[{position}]"
        if not 0 < number <= len(labels):
            message = f"there are labels of images 1 to {len(labels)}"
            findings.error("unusable_entry", InputError(message, file=file, field=where, value=number))
        else:
            collector.add_numbered(f"image_{number:05d}.jpg", labels[number - 1], names, first=1, where=f"{where}.")
    return collector.done()


def _names(folder: Path) -> tuple[str, ...]:
    for name in _NAMES:
        if (folder / name).is_file():
            return read_names(folder / name)
    raise InputError(
        "Flowers102's .mat files number the classes and don't name them: give the names in order with --labels FILE, "
        f"or put one of {', '.join(_NAMES)} or CoOp's split_zhou_OxfordFlowers.json there",
        file=folder,
    )
