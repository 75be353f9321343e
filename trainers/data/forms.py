"""The forms that a training set is written in: `datasets` for our own trainers, and those of other frameworks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, List, Value, disable_progress_bars
from datasets import Image as ImageFeature
from datasets.exceptions import DatasetGenerationError

from trainers.data.pictures import read_picture
from trainers.data.rows import Row
from vrft_eval.errors import InputError

IMAGE_LINE = "<image>\n"
# What these frameworks replace by an image, a video, a sound or a box wherever it stands in a question.
_PLACEHOLDERS = re.compile(r"<(?:image|video|audio|bbox|ref-object)>")
_TEXT, _BOX = Value("string"), List(Value("float64"))
_TRUTH = {"task": _TEXT, "boxes": List(_BOX), "label": _TEXT, "box": _BOX, "space": _TEXT}
_ABOUT = {"id": _TEXT, "category": _TEXT}
_MESSAGES = List({"role": _TEXT, "content": _TEXT})


@dataclass(frozen=True)
class Form:
    """A form: how it is called in messages, and what writes rows into an empty folder; work is for what is temporary.

    The writer gets a name of the data set, the rows, the folder and the work folder.
    """

    text: str
    write: Callable[[str, Sequence[Row], Path, Path], None]


def _truth(row: Row) -> dict[str, Any]:
    return {"task": row.task, "boxes": row.boxes, "label": row.label, "box": row.box, "space": row.space}


def _image(row: Row) -> dict[str, Any]:
    picture = read_picture(row.image)
    return {"bytes": picture.data, "path": f"{row.image.stem}.{picture.suffix}"}


def _question(row: Row) -> str:
    """The question where `<image>` stands for the image itself: it is there once, at the beginning.

    Raises InputError for a question that holds another placeholder.
    """
    text = row.problem.replace(IMAGE_LINE, "", 1) if row.problem.startswith(IMAGE_LINE) else row.problem
    if (found := _PLACEHOLDERS.search(text)) is not None:
        message = f"the question holds {found[0]}, which this framework would take for another input"
        raise InputError(message, field=f"row {row.id!r}", value=row.problem)
    return IMAGE_LINE + text


def _own(_name: str, _index: int, row: Row) -> dict[str, Any]:
    width, height = row.size
    texts = {"problem": row.problem, "solution": row.solution}
    about = {"width": width, "height": height, "id": row.id, "category": row.category}
    return {"image": _image(row), **texts, **_truth(row), **about}


def _trl(_name: str, _index: int, row: Row) -> dict[str, Any]:
    prompt = [{"role": "user", "content": row.problem}]
    about = {"image_size": list(row.size), "id": row.id, "category": row.category}
    return {"prompt": prompt, "image": _image(row), **_truth(row), **about}


def _easyr1(_name: str, _index: int, row: Row) -> dict[str, Any]:
    return {"images": [_image(row)], "problem": _question(row), "answer": row.truth_text, "id": row.id}


def _openrlhf(_name: str, _index: int, row: Row) -> dict[str, Any]:
    # It opens paths in the working directory of a Ray worker, wherever that is, so the images travel in the rows.
    image = read_picture(row.image).data
    return {"prompt": _question(row), "images": [image], "label": row.truth_text, "id": row.id}


def _verl(name: str, index: int, row: Row) -> dict[str, Any]:
    return {
        "data_source": name,
        "prompt": [{"role": "user", "content": _question(row)}],
        "images": [_image(row)],
        "ability": row.task,
        "reward_model": {"style": "rule", "ground_truth": row.truth_text},
        "extra_info": {"index": index, "split": "train", "id": row.id, "category": row.category},
    }


_OWN = Features(
    {
        **{"image": ImageFeature(), "problem": _TEXT, "solution": _TEXT},
        **_TRUTH,
        **{"width": Value("int64"), "height": Value("int64")},
        **_ABOUT,
    }
)
_TRL = Features({"prompt": _MESSAGES, "image": ImageFeature(), **_TRUTH, "image_size": List(Value("int64")), **_ABOUT})
_EASYR1 = Features({"images": List(ImageFeature()), "problem": _TEXT, "answer": _TEXT, "id": _TEXT})
_OPENRLHF = Features({"prompt": _TEXT, "images": List(Value("binary")), "label": _TEXT, "id": _TEXT})
_VERL = Features(
    {
        "data_source": _TEXT,
        "prompt": _MESSAGES,
        "images": List(ImageFeature()),
        "ability": _TEXT,
        "reward_model": {"style": _TEXT, "ground_truth": _TEXT},
        "extra_info": {"index": Value("int64"), "split": _TEXT, **_ABOUT},
    }
)

_Make = Callable[[str, int, Row], dict[str, Any]]


def dataset_of(each: Callable[[], Iterator[dict[str, Any]]], features: Features, work: Path, name: str) -> Dataset:
    """Put rows into a data set one by one, by way of a file in `work`: many images don't fit into memory.

    name tells data sets apart: without it `datasets` pickles the rows to make one. Raises what reading a row raises.
    """
    disable_progress_bars()
    try:
        return Dataset.from_generator(each, features=features, cache_dir=str(work / "cache"), fingerprint=name)
    except DatasetGenerationError as error:
        if isinstance(error.__cause__, (InputError, OSError)):
            raise error.__cause__ from None
        raise


def _dataset(name: str, rows: Sequence[Row], make: _Make, features: Features, work: Path) -> Dataset:
    def each() -> Iterator[dict[str, Any]]:
        for index, row in enumerate(rows):
            yield make(name, index, row)

    digest = hashlib.sha256(repr([(row.id, row.problem, row.truth) for row in rows]).encode()).hexdigest()
    return dataset_of(each, features, work, digest[:16])


def _saved(make: _Make, features: Features) -> Callable[[str, Sequence[Row], Path, Path], None]:
    def write(name: str, rows: Sequence[Row], folder: Path, work: Path) -> None:
        _dataset(name, rows, make, features, work).save_to_disk(str(folder))

    return write


def _parquet(make: _Make, features: Features) -> Callable[[str, Sequence[Row], Path, Path], None]:
    def write(name: str, rows: Sequence[Row], folder: Path, work: Path) -> None:
        _dataset(name, rows, make, features, work).to_parquet(str(folder / "train.parquet"))

    return write


def _ms_swift(_name: str, rows: Sequence[Row], folder: Path, _work: Path) -> None:
    """JSON Lines beside the images, each of which is there once."""
    (folder / "images").mkdir()
    with (folder / "train.jsonl").open("w", encoding="utf-8") as stream:
        for row in rows:
            picture = read_picture(row.image)
            place = f"images/{hashlib.sha256(picture.data).hexdigest()[:16]}.{picture.suffix}"
            if not (folder / place).exists():
                (folder / place).write_bytes(picture.data)
            line = {
                "messages": [{"role": "user", "content": _question(row)}],
                "images": [place],
                "solution": row.truth_text,
                "task": row.task,
                "id": row.id,
            }
            stream.write(json.dumps(line) + "\n")


FORMS: dict[str, Form] = {
    "datasets": Form("a folder for datasets.load_from_disk, as our own trainers read it", _saved(_own, _OWN)),
    "trl": Form("the same with prompts as messages", _saved(_trl, _TRL)),
    "easyr1": Form("train.parquet", _parquet(_easyr1, _EASYR1)),
    "verl": Form("train.parquet", _parquet(_verl, _VERL)),
    "ms-swift": Form("train.jsonl and images/", _ms_swift),
    "openrlhf": Form("train.parquet", _parquet(_openrlhf, _OPENRLHF)),
}
"""The forms by name."""
