"""Grounding by description: JSON Lines, one box (and perhaps a mask) a line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrft_eval.errors import InputError
from vrft_eval.files import confined, read_json_lines
from vrft_eval.images import image_size
from vrft_eval.rle import decode_rle


@dataclass(frozen=True)
class GroundedImage:
    """One description of one thing; box in pixels xyxy, mask a COCO RLE or None."""

    name: str
    path: Path
    size: tuple[int, int]
    text: str
    box: tuple[float, float, float, float]
    mask: dict[str, Any] | None


def load_grounding(data: Path | None) -> tuple[GroundedImage, ...]:
    """Read `grounding.jsonl` of a folder (or a JSON Lines file) in the file's order.

    A line is {"image": path, "text": description, "box": [x1, y1, x2, y2] in pixels, "mask": COCO RLE?,
    "size": [width, height]?}. The size comes from the line, the mask or the image's header, in this order.
    Raises InputError with the line, the field and the value.
    """
    if data is None:
        raise InputError("--data is needed (a folder with grounding.jsonl)")
    file = data / "grounding.jsonl" if data.is_dir() else data
    found: dict[str, GroundedImage] = {}
    lines: dict[str, int] = {}
    for line, row in read_json_lines(file):
        item = _item(row, file, line)
        if item.name in lines:
            raise InputError(
                f"same file stem as line {lines[item.name]}", file=file, line=line, field="image", value=item.name
            )
        found[item.name], lines[item.name] = item, line
    return tuple(found.values())


def _item(row: dict[str, Any], file: Path, line: int) -> GroundedImage:
    path = confined(file.parent, row.get("image"), file=file, line=line, field="image")
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise InputError("must be a description", file=file, line=line, field="text", value=text)
    mask = row.get("mask")
    if mask is not None and not _is_rle(mask):
        raise InputError("must be a COCO RLE with size and counts", file=file, line=line, field="mask", value=mask)
    size = row.get("size")
    if size is not None and not _is_size(size):
        raise InputError("must be [width, height]", file=file, line=line, field="size", value=size)
    if size is None:
        size = mask["size"][::-1] if mask is not None else image_size(path)
    if mask is not None:
        if list(size) != mask["size"][::-1]:
            raise InputError(
                f"is not of the image's size {list(size)}", file=file, line=line, field="mask.size", value=mask["size"]
            )
        try:
            decode_rle(mask)
        except ValueError as error:
            raise InputError(str(error), file=file, line=line, field="mask.counts", value=mask["counts"]) from None
    box = row.get("box")
    if not isinstance(box, list) or len(box) != 4 or not all(_finite(number) for number in box):
        raise InputError("must be 4 finite numbers", file=file, line=line, field="box", value=box)
    x1, y1, x2, y2 = (float(number) for number in box)
    if not (0 <= x1 < x2 <= size[0] and 0 <= y1 < y2 <= size[1]):
        message = f"must be [x1, y1, x2, y2] with x1 < x2 and y1 < y2, inside the image of {size[0]}x{size[1]}"
        raise InputError(message, file=file, line=line, field="box", value=box)
    return GroundedImage(path.stem, path, (size[0], size[1]), text, (x1, y1, x2, y2), mask)


def _finite(value: Any) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15 and math.isfinite(value)
    )


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(side) is int and 0 < side < 2**24 for side in value)


def _is_rle(value: Any) -> bool:
    return isinstance(value, dict) and _is_size(value.get("size")) and isinstance(value.get("counts"), (str, list))
