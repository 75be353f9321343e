"""Grounding data of any layout: JSON Lines, ReasonSeg, or rows of image, question and answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vrft_eval.datasets.detection import AskedOf
from vrft_eval.datasets.grounded import Grounded, GroundedImage
from vrft_eval.datasets.hub import HubRow, bad_row, is_hub, note_question, read_hub
from vrft_eval.datasets.jsonl import load_lines
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.datasets.presence import Origin
from vrft_eval.datasets.reasonseg import find_reasonseg, load_reasonseg
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings
from vrft_rewards import parse_box, to_pixels


def load_grounding(layout: str, options: LoadOptions, findings: Findings, asked_of: AskedOf) -> Grounded:
    """Read the data of a grounding task; images that are not there are left out when that is asked for.

    layout is lines or reasonseg. Raises InputError.
    """
    if layout == "reasonseg":
        return load_reasonseg(find_reasonseg(options), options, findings)
    if options.annotations is None and is_hub(options.data):
        return _from_hub(options, findings, asked_of)
    if options.split is not None:
        raise InputError("this layout has no splits", field="--split", value=options.split)
    place = options.annotations or options.data
    if place is None:
        raise InputError("--data is needed (a folder with grounding.jsonl)")
    return load_lines(place / "grounding.jsonl" if place.is_dir() else place, options, findings)


def _from_hub(options: LoadOptions, findings: Findings, asked_of: AskedOf) -> Grounded:
    rows, embedded = read_hub(options, findings)
    folder = embedded.table.folder
    images = [image for row in rows if (image := _grounded(row, folder, asked_of, findings)) is not None]
    if not images:
        raise InputError("holds no rows that can be used", file=folder)
    return Grounded(folder, tuple(images), Origin((folder,), embedded=embedded))


def _grounded(row: HubRow, folder: Path, asked_of: AskedOf, findings: Findings) -> GroundedImage | None:
    found = parse_box(row.answer, "norm1000", row.size)
    if found.box is None:
        bad_row(row, folder, "the solution is no box from 0 to 1000", row.answer, findings)
        return None
    x1, y1, x2, y2 = to_pixels(np.asarray(found.box).reshape(1, 4), "norm1000", row.size)[0].tolist()
    text = asked_of(row.problem)
    if text is None:
        text = row.problem.replace("<image>", "").strip()
        note_question(row, findings)
    return GroundedImage(row.path.stem, row.path, row.size, text, (x1, y1, x2, y2))
