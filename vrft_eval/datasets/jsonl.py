"""Grounding by description: JSON Lines, one box (and perhaps a mask) a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vrft_eval.datasets.checks import is_name, is_number
from vrft_eval.datasets.grounded import Grounded, GroundedImage
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.datasets.presence import look_for
from vrft_eval.errors import InputError
from vrft_eval.files import confined, read_json_lines
from vrft_eval.findings import Findings
from vrft_eval.images import Size, check_images
from vrft_eval.rle import Mask, decode_rle


def load_lines(file: Path, options: LoadOptions, findings: Findings) -> Grounded:
    """Read a file of grounding lines in its order.

    A line is {"image": path, "text": description, "box": [x1, y1, x2, y2] in pixels or null where there is nothing to
    find, "mask": COCO RLE?, "ignore": COCO RLE?, "size": [width, height]?}. The size comes from the line, a mask or
    the image's header, in this order. Raises InputError with the line, the field and the value.
    """
    folder = options.images or file.parent
    lines: dict[Path, tuple[int, dict[str, Any]]] = {}
    stems: dict[str, int] = {}
    for line, row in read_json_lines(file):
        try:
            path = confined(folder, row.get("image"), file=file, line=line, field="image")
            if path.stem in stems:
                message = f"same file stem as line {stems[path.stem]}"
                raise InputError(message, file=file, line=line, field="image", value=path.stem)
        except InputError as error:
            findings.error("duplicate_id" if isinstance(row.get("image"), str) else "unusable_entry", error)
            continue
        stems[path.stem] = line
        lines[path] = line, row
    origin, dropped = look_for(lines, (folder,), options.missing, options.left_out, findings)
    lines = {path: value for path, value in lines.items() if path not in dropped}
    sizes = check_images({path: None for path, (_, row) in lines.items() if _claimed_size(row) is None}).sizes
    found = []
    for path, (line, row) in lines.items():
        try:
            found.append(_item(row, path, sizes.get(path), file, line))
        except InputError as error:
            findings.error("unusable_entry", error)
    if not found:
        raise InputError("describes no images", file=file)
    return Grounded(file, tuple(found), origin)


def _claimed_size(row: dict[str, Any]) -> Any:
    """The size that a line tells, right or wrong; None when it tells none."""
    if row.get("size") is not None:
        return row["size"]
    for name in ("mask", "ignore"):
        if isinstance(row.get(name), dict) and _is_size(row[name].get("size")):
            return row[name]["size"][::-1]
    return None


def _item(row: dict[str, Any], path: Path, in_header: Size | None, file: Path, line: int) -> GroundedImage:
    text = row.get("text")
    if not is_name(text):
        raise InputError("must be a description", file=file, line=line, field="text", value=text)
    size = _claimed_size(row)
    if size is None and in_header is None:
        message = f"the size of {path} is neither here nor in the image, which can't be read"
        raise InputError(message, file=file, line=line, field="size")
    size = list(in_header or ()) if size is None else size
    if not _is_size(size):
        raise InputError("must be [width, height]", file=file, line=line, field="size", value=size)
    masks = {name: _region(row.get(name), name, size, file, line) for name in ("mask", "ignore")}
    target, ignored = masks["mask"], masks["ignore"]
    if target is not None and ignored is not None and (target & ignored).any():
        raise InputError("overlaps the mask", file=file, line=line, field="ignore")
    box = _box(row.get("box"), size, file, line)
    if box is None and (target is None or target.any()):
        message = "must be 4 finite numbers, or null beside an empty mask"
        raise InputError(message, file=file, line=line, field="box", value=row.get("box"))
    return GroundedImage(path.stem, path, (size[0], size[1]), text, box, mask=row.get("mask"), ignore=row.get("ignore"))


def _region(value: Any, name: str, size: list[int], file: Path, line: int) -> Mask | None:
    if value is None:
        return None
    if not _is_rle(value):
        raise InputError("must be a COCO RLE with size and counts", file=file, line=line, field=name, value=value)
    if value["size"][::-1] != size:
        message = f"is not of the image's size {size}"
        raise InputError(message, file=file, line=line, field=f"{name}.size", value=value["size"])
    try:
        return decode_rle(value)
    except ValueError as error:
        raise InputError(str(error), file=file, line=line, field=f"{name}.counts", value=value["counts"]) from None


def _box(box: Any, size: list[int], file: Path, line: int) -> tuple[float, float, float, float] | None:
    if box is None:
        return None
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):
        raise InputError("must be 4 finite numbers", file=file, line=line, field="box", value=box)
    x1, y1, x2, y2 = (float(number) for number in box)
    if not (0 <= x1 < x2 <= size[0] and 0 <= y1 < y2 <= size[1]):
        message = f"must be [x1, y1, x2, y2] with x1 < x2 and y1 < y2, inside the image of {size[0]}x{size[1]}"
        raise InputError(message, file=file, line=line, field="box", value=box)
    return x1, y1, x2, y2


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(side) is int and 0 < side < 2**24 for side in value)


def _is_rle(value: Any) -> bool:
    return isinstance(value, dict) and _is_size(value.get("size")) and isinstance(value.get("counts"), (str, list))
