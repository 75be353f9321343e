"""The masks of a run, kept beside it, so that the same box is never given to the same SAM twice."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import TracebackType
from typing import Any

from vrft_eval.masks.models import MaskLine, Rle
from vrft_eval.runs import Journal, read_lines


class SavedMasks:
    """masks.jsonl of a run folder: what a SAM made of which box of which image.

    sam says which SAM, and how it was asked. Without a file nothing is kept. A mask is used again only for the same
    sample, box, SAM and image file; where the image is no longer there, for the same of the others. Raises InputError
    for a line that doesn't fit.
    """

    def __init__(self, file: Path | None, sam: str) -> None:
        self._file = file
        self._sam = sam
        self._digests: dict[Path, str | None] = {}
        self._lines: list[MaskLine] = [] if file is None else read_lines(file, MaskLine)[0]
        self._made = {(line.id, tuple(line.box)): line for line in self._lines if line.sam == sam}
        self._journal: Journal | None = None

    @property
    def empty(self) -> bool:
        """Whether this SAM has made no mask yet."""
        return not self._made

    def find(self, key: str, image: Path, box: list[float]) -> dict[str, Any] | None:
        """The mask of a sample's box, as COCO RLE, if it was made before."""
        line = self._made.get((key, tuple(box)))
        if line is None or self._digest(image) not in (line.image, None):
            return None
        return line.mask.model_dump()

    def add(self, key: str, image: Path, box: list[float], mask: dict[str, Any]) -> None:
        """Keep a mask: it is in the file when this returns."""
        line = MaskLine(id=key, image=self._digest(image) or "", sam=self._sam, box=box, mask=Rle.model_validate(mask))
        self._lines.append(line)
        self._made[key, tuple(box)] = line
        if self._journal is not None:
            self._journal.write(_bytes(line))

    def content(self) -> bytes:
        """The whole file: what was there, also of another SAM or of other boxes, and what was added."""
        return b"".join(map(_bytes, self._lines))

    def _digest(self, image: Path) -> str | None:
        if image not in self._digests:
            self._digests[image] = hashlib.sha256(image.read_bytes()).hexdigest() if image.is_file() else None
        return self._digests[image]

    def __enter__(self) -> SavedMasks:
        """Open the file for what is added."""
        if self._file is not None:
            self._journal = Journal(self._file, MaskLine)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._journal is not None:
            self._journal.__exit__(kind, error, trace)
            self._journal = None


def _bytes(line: MaskLine) -> bytes:
    return line.model_dump_json().encode("utf-8") + b"\n"
