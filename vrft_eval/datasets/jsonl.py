"""Grounding by description: JSON Lines, one box (and perhaps a mask) a line."""

from __future__ import annotations

from pathlib import Path

from vrft_eval.data_models import GroundingLine, RunLengths
from vrft_eval.datasets.checks import is_name
from vrft_eval.datasets.grounded import Grounded, GroundedImage
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.datasets.presence import look_for
from vrft_eval.errors import InputError
from vrft_eval.file_model import validate
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
    lines: dict[Path, tuple[int, GroundingLine]] = {}
    stems: dict[str, int] = {}
    for line, value in read_json_lines(file):
        kind = "unusable_entry"
        try:
            row = validate(GroundingLine, value, file, line)
            kind = "path_outside"
            path = confined(folder, row.image, file=file, line=line, field="image")
            kind = "duplicate_id"
            if path.stem in stems:
                message = f"same file stem as line {stems[path.stem]}"
                raise InputError(message, file=file, line=line, field="image", value=path.stem)
        except InputError as error:
            findings.error(kind, error)
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


def _claimed_size(row: GroundingLine) -> Size | None:
    """(width, height) that a line tells."""
    if row.size is not None:
        return row.size[0], row.size[1]
    mask = row.mask or row.ignore
    return None if mask is None else (mask.size[1], mask.size[0])


def _item(row: GroundingLine, path: Path, in_header: Size | None, file: Path, line: int) -> GroundedImage:
    if not is_name(row.text):
        raise InputError("must be a description", file=file, line=line, field="text", value=row.text)
    size = _claimed_size(row) or in_header
    if size is None:
        message = f"the size of {path} is neither here nor in the image, which can't be read"
        raise InputError(message, file=file, line=line, field="size")
    target = _region(row.mask, "mask", size, file, line)
    ignored = _region(row.ignore, "ignore", size, file, line)
    if target is not None and ignored is not None and (target & ignored).any():
        raise InputError("overlaps the mask", file=file, line=line, field="ignore")
    if row.box is None and (target is None or target.any()):
        raise InputError("may be null beside an empty mask only", file=file, line=line, field="box")
    return GroundedImage(
        path.stem,
        path,
        size,
        row.text,
        None if row.box is None else _box(row.box, size, file, line),
        mask=None if row.mask is None else row.mask.rle(),
        ignore=None if row.ignore is None else row.ignore.rle(),
    )


def _region(value: RunLengths | None, name: str, size: Size, file: Path, line: int) -> Mask | None:
    if value is None:
        return None
    if (value.size[1], value.size[0]) != size:
        message = f"is not of the image's size {list(size)}"
        raise InputError(message, file=file, line=line, field=f"{name}.size", value=value.size)
    try:
        return decode_rle(value.rle())
    except ValueError as error:
        raise InputError(str(error), file=file, line=line, field=f"{name}.counts", value=value.counts) from None


def _box(box: list[float], size: Size, file: Path, line: int) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box
    if not (0 <= x1 < x2 <= size[0] and 0 <= y1 < y2 <= size[1]):
        message = f"must be [x1, y1, x2, y2] with x1 < x2 and y1 < y2, inside the image of {size[0]}x{size[1]}"
        raise InputError(message, file=file, line=line, field="box", value=box)
    return x1, y1, x2, y2
