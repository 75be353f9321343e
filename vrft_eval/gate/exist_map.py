"""Exist maps: which categories are said to be in which image. Read as released or as written here; checked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from vrft_eval.errors import InputError, nearest, shorten
from vrft_eval.files import read_json
from vrft_eval.gate.models import ExistMap
from vrft_eval.schemas import validate

_SHOWN = 5


def read_exist_map(file: Path) -> ExistMap:
    """Read an exist map: `gate.json` of a run, or the released form, {"<image id>": ["<category>", ...], ...}.

    Raises InputError that names the file, the entry and the value.
    """
    document = read_json(file, unique=True)
    if not isinstance(document, dict):
        raise InputError('must be a JSON object {"<image id>": ["<category>", ...]}', file=file, value=document)
    if not document:
        raise InputError("holds no image", file=file)
    # An image's id is a number, so no released map has a key of this name.
    found = validate(ExistMap, document if "version" in document else {"version": 1, "images": document}, file)
    prefix = "images." if "version" in document else ""
    asked = None if found.categories is None else frozenset(found.categories)
    for key, names in found.images.items():
        if _image_id(key) is None:
            raise InputError("must be an image's id in plain digits", file=file, field=f"{prefix}{key}", value=key)
        seen: set[str] = set()
        for position, name in enumerate(names):
            if name in seen:
                raise InputError("category named twice", file=file, field=f"{prefix}{key}[{position}]", value=name)
            if asked is not None and name not in asked:
                raise InputError(
                    "is not among the map's categories", file=file, field=f"{prefix}{key}[{position}]", value=name
                )
            seen.add(name)
    return found


def _image_id(key: str) -> int | None:
    try:
        number = int(key)
    except ValueError:
        return None
    return number if key == str(number) else None


def check_exist_map(
    found: ExistMap, images: Sequence[int], categories: Mapping[int, str], selected: Sequence[int], file: Path
) -> None:
    """Refuse a map that would hide true objects by being another data set's, or another run's.

    images and selected are those that will be asked about, categories all of the data. Raises InputError.
    """
    lacking = [key for key in images if str(key) not in found.images]
    if lacking:
        listed = ", ".join(map(str, lacking[:_SHOWN])) + (", …" if len(lacking) > _SHOWN else "")
        raise InputError(
            f"holds no entry for {len(lacking)} of the {len(images)} images ({listed}); each needs one, "
            "an empty list when nothing is in it",
            file=file,
        )
    known = tuple(categories.values())
    unknown = {name: key for key, names in found.images.items() for name in names}.keys() - set(known)
    if unknown:
        name = min(unknown)
        raise InputError(
            f"names {len(unknown)} categories that the data do not have, first {shorten(repr(name))}; "
            f"{nearest(name, known)}",
            file=file,
        )
    if found.categories is not None:
        missing = [categories[key] for key in selected if categories[key] not in found.categories]
        if missing:
            listed = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
            raise InputError(
                f"was made for other categories: nothing was asked about {len(missing)} of the {len(selected)} of "
                f"this task ({listed})",
                file=file,
            )


def exist_map_fingerprint(images: Mapping[str, list[str]]) -> str:
    """SHA-256 over what a map says, however its file is written."""
    digest = hashlib.sha256()
    for key in sorted(images, key=int):
        digest.update(f"{key}\0{chr(1).join(sorted(images[key]))}\n".encode())
    return digest.hexdigest()
