"""Images with a class each, and how a loader puts them together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from vrft_eval.datasets.checks import is_name, is_whole
from vrft_eval.datasets.presence import Origin
from vrft_eval.errors import InputError, nearest
from vrft_eval.files import confined
from vrft_eval.findings import Findings


@dataclass(frozen=True)
class LabelledImage:
    """One image with its class; `name` is its path relative to the data folder, with forward slashes."""

    name: str
    path: Path
    label: str


@dataclass(frozen=True)
class Labelled:
    """Labelled images, in the file's order.

    labels is the closed set of classes, in the order of their numbers where they have some.
    """

    file: Path
    images: tuple[LabelledImage, ...]
    labels: tuple[str, ...]
    origin: Origin


@dataclass
class Collector:
    """Gathers the images of one file, each checked.

    folder holds the images; prefix is what its name is in the ids. labels is the closed set, or None: then it is the
    classes that occur.
    """

    file: Path
    folder: Path
    findings: Findings
    labels: tuple[str, ...] | None = None
    prefix: str = ""
    found: dict[str, LabelledImage] = field(default_factory=dict)

    def add(self, image: Any, label: Any, *, line: int | None = None, where: str = "") -> None:
        """Take one image. Raises InputError (or counts it) for a bad path or class, or an image named twice."""
        try:
            path = confined(self.folder, image, file=self.file, line=line, field=f"{where}image")
        except InputError as error:
            self.findings.error("path_outside" if isinstance(image, str) else "unusable_entry", error)
            return
        name = PurePosixPath(self.prefix, str(image)).as_posix()
        if not is_name(label):
            self._bad("unusable_entry", "must be a class name", f"{where}label", label, line)
        elif name in self.found:
            self._bad("duplicate_id", "image named twice", f"{where}image", name, line)
        elif self.labels is not None and label not in self.labels:
            hint = nearest(label, self.labels)
            self._bad("unknown_category", f"there is no such class; {hint}", f"{where}label", label, line)
        else:
            self.found[name] = LabelledImage(name, path, label)

    def add_numbered(
        self, image: Any, number: Any, names: tuple[str, ...], *, first: int, line: int | None = None, where: str = ""
    ) -> None:
        """Take one image whose class is a number; `first` is the number of the first class."""
        if not is_whole(number) or not first <= number < first + len(names):
            message = f"must be a class number from {first} to {first + len(names) - 1}"
            self._bad("unknown_category", message, f"{where}label", number, line)
        else:
            self.add(image, names[number - first], line=line, where=where)

    def _bad(self, kind: str, message: str, name: str, value: Any, line: int | None) -> None:
        self.findings.error(kind, InputError(message, file=self.file, line=line, field=name, value=value))

    def done(self) -> Labelled:
        """The images gathered. Raises InputError when there are none."""
        if not self.found:
            raise InputError("names no images", file=self.file)
        images = tuple(self.found.values())
        labels = self.labels or tuple(dict.fromkeys(image.label for image in images))
        return Labelled(self.file, images, labels, Origin((self.folder,)))
