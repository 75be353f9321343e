"""ReasonSeg (LISA, arXiv 2308.00692): `X.jpg` and `X.json` side by side in a folder per split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vrft_eval.datasets.checks import is_name, is_number, is_whole
from vrft_eval.datasets.grounded import Grounded, GroundedImage, Polygon
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.datasets.presence import look_for
from vrft_eval.datasets.raster import draw_polygon
from vrft_eval.errors import InputError
from vrft_eval.files import parse_json, read_bytes
from vrft_eval.findings import Findings
from vrft_eval.images import SUFFIXES, Size, check_images
from vrft_eval.rle import Mask, encode_rle

_TARGET, _IGNORE = 1, 2


@dataclass(frozen=True)
class _Described:
    """One file, checked; shapes are (label in lower case, polygon)."""

    file: Path
    image: Path
    text: str
    sentence: bool | None
    shapes: tuple[tuple[str, Polygon], ...]
    size: Size | None


def find_reasonseg(options: LoadOptions) -> Path:
    """Find the folder of the split (`val` without `--split`). Raises InputError naming what was looked for."""
    home = options.annotations or options.data
    if home is None:
        raise InputError("--data is needed (the folder of ReasonSeg, that holds val and test)")
    split = options.split or "val"
    tried = [home / split, home / "ReasonSeg" / split]
    # A folder of the JSON files themselves may be named as well, when no split is asked for.
    if options.split is None or home.name == split:
        tried.append(home)
    for folder in tried:
        if folder.is_dir() and any(folder.glob("*.json")):
            return folder
    raise InputError(f"holds no ReasonSeg: no X.json in {', '.join(map(str, tried))}", file=home)


def load_reasonseg(folder: Path, options: LoadOptions, findings: Findings) -> Grounded:
    """Read one split in the order of its file names.

    The description is the first text. The true region follows LISA: polygons labelled `target` and `ignore` drawn the
    largest first, `flag` left out. The true box is that of the first target, as in Visual-RFT but for files that begin
    with another polygon. The image's size is that of the file (`imageWidth`, `imageHeight`) or of the image.
    Raises InputError that names the file, the field and the value.
    """
    images = options.images or folder
    described = []
    for file in sorted(folder.glob("*.json")):
        try:
            described.append(_describe(file, images, findings))
        except InputError as error:
            findings.error("unusable_entry", error)
    paths = [item.image for item in described]
    origin, dropped = look_for(paths, (images,), options.missing, options.left_out, findings)
    described = [item for item in described if item.image not in dropped]
    headers = check_images({item.image: None for item in described if item.size is None}).sizes
    found = []
    for item in described:
        try:
            found.append(_grounded(item, headers.get(item.image), findings))
        except InputError as error:
            findings.error("unusable_entry", error)
    if not found:
        raise InputError("describes no images", file=folder)
    return Grounded(folder, tuple(found), origin)


def _describe(file: Path, images: Path, findings: Findings) -> _Described:
    document = _decode(file, findings)
    if not isinstance(document, dict):
        raise InputError("must be an object with text and shapes", file=file, value=document)
    texts = document.get("text")
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not texts or not is_name(texts[0]):
        raise InputError("must be a list of descriptions", file=file, field="text", value=texts)
    if len(texts) > 1:
        findings.see("several_texts", f"{file.name}: {len(texts)}")
    sentence = document.get("is_sentence")
    if sentence is not None and not isinstance(sentence, bool):
        raise InputError("must be true or false", file=file, field="is_sentence", value=sentence)
    shapes = document.get("shapes")
    if not isinstance(shapes, list):
        raise InputError("must be a list", file=file, field="shapes", value=shapes)
    checked = tuple(_shape(shape, position, file) for position, shape in enumerate(shapes))
    return _Described(file, _image_of(file, images), texts[0], sentence, checked, _size(document, file))


def _decode(file: Path, findings: Findings) -> Any:
    """LISA reads what isn't UTF-8 as cp1252, which some of its files are."""
    data = read_bytes(file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            raise InputError("neither UTF-8 nor cp1252", file=file) from None
        findings.see("encoding", file.name)
    return parse_json(text.encode("utf-8"), file)


def _shape(shape: Any, position: int, file: Path) -> tuple[str, Polygon]:
    where = f"shapes[{position}]"
    label = shape.get("label") if isinstance(shape, dict) else None
    if not is_name(label):
        raise InputError("must have a label: target, ignore or flag", file=file, field=where, value=label)
    points = shape.get("points")
    if not isinstance(points, list) or not all(_is_point(point) for point in points) or not points:
        raise InputError("must be a list of points [x, y]", file=file, field=f"{where}.points", value=points)
    return label.lower(), tuple((float(x), float(y)) for x, y in points)


def _is_point(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_number, value))


def _size(document: dict[str, Any], file: Path) -> Size | None:
    width, height = document.get("imageWidth"), document.get("imageHeight")
    if width is None and height is None:
        return None
    if not is_whole(width) or not is_whole(height) or not 0 < width < 2**24 or not 0 < height < 2**24:
        found = [width, height]
        raise InputError("must be positive whole numbers", file=file, field="imageWidth, imageHeight", value=found)
    return width, height


def _image_of(file: Path, images: Path) -> Path:
    """The image of the same stem: a .jpg, unless only one of another kind is there."""
    usual = images / f"{file.stem}.jpg"
    if not usual.exists():
        for suffix in sorted(SUFFIXES):
            if (images / f"{file.stem}{suffix}").is_file():
                return images / f"{file.stem}{suffix}"
    return usual


def _grounded(item: _Described, in_header: Size | None, findings: Findings) -> GroundedImage:
    size = item.size or in_header
    if size is None:
        message = f"tells no size, and its image {item.image.name} is not there or can't be read"
        raise InputError(message, file=item.file)
    for position, (_, points) in enumerate(item.shapes):
        for x, y in points:
            # Far outside, drawing a line would take memory without end.
            if not (-size[0] <= x <= 2 * size[0] and -size[1] <= y <= 2 * size[1]):
                message = f"lies far outside the image of {size[0]}x{size[1]}"
                raise InputError(message, file=item.file, field=f"shapes[{position}].points", value=[x, y])
    targets = [points for label, points in item.shapes if label != "flag" and "ignore" not in label]
    boxes = [box for points in targets if (box := _box(points, size, item, findings)) is not None]
    mask, ignore = _regions(item.shapes, size)
    _note(item, mask, targets, findings)
    return GroundedImage(
        item.file.stem,
        item.image,
        size,
        item.text,
        boxes[0] if boxes else None,
        encode_rle(mask),
        encode_rle(ignore) if ignore.any() else None,
        item.shapes[0][1] if item.shapes else None,
        item.sentence,
    )


def _regions(shapes: Sequence[tuple[str, Polygon]], size: Size) -> tuple[Mask, Mask]:
    """The true region and the ignored one: later, smaller polygons cover the larger ones."""
    drawn = [(draw_polygon(points, size), label) for label, points in shapes if label != "flag"]
    areas = np.array([mask.sum() for mask, _ in drawn])
    value = np.zeros((size[1], size[0]), dtype=np.uint8)
    for index in np.argsort(areas)[::-1]:
        mask, label = drawn[index]
        value[mask] = _IGNORE if "ignore" in label else _TARGET
    return value == _TARGET, value == _IGNORE


def _note(item: _Described, mask: Mask, targets: Sequence[Polygon], findings: Findings) -> None:
    if not targets:
        findings.see("target_absent", item.file.name)
    elif not mask.any():
        findings.see("target_covered", item.file.name)
    if targets and item.shapes[0][1] is not targets[0]:
        findings.see("first_polygon", f"{item.file.name}: {item.shapes[0][0]}")


def _box(points: Polygon, size: Size, item: _Described, findings: Findings) -> tuple[float, float, float, float] | None:
    """The corners of a polygon inside the image, None when nothing of it is there."""
    xs, ys = zip(*points, strict=True)
    x1, x2 = (min(max(x, 0.0), size[0]) for x in (min(xs), max(xs)))
    y1, y2 = (min(max(y, 0.0), size[1]) for y in (min(ys), max(ys)))
    if x1 >= x2 or y1 >= y2:
        findings.see("box_empty", f"{item.file.name}: {[min(xs), min(ys), max(xs), max(ys)]}")
        return None
    return x1, y1, x2, y2
