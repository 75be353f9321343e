"""Which questions of a data set are taken: drawn by a seed, and listed by id so that others can take the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from vrft_eval.errors import InputError
from vrft_eval.file_model import FileModel, validate
from vrft_eval.files import read_json

SUBSET_FILE = "subset.json"


@dataclass(frozen=True)
class Draw:
    """How many questions are drawn, and by which seed.

    shots is how many images of each category; count how many questions in all, as evenly over the categories as there
    are images; with neither, all are taken. negatives is the share of the questions that are about absent categories.
    """

    seed: int = 0
    shots: int | None = None
    count: int | None = None
    negatives: float = 0.0

    def __post_init__(self) -> None:
        """Raise InputError for numbers that don't fit."""
        if self.shots is not None and self.count is not None:
            raise InputError("give --shots or --count, not both", field="--shots", value=self.shots)
        for name, value in (("--shots", self.shots), ("--count", self.count)):
            if value is not None and value < 1:
                raise InputError("must be 1 or more", field=name, value=value)
        if not 0 <= self.negatives < 1:
            raise InputError("must be a share from 0 to below 1", field="--negatives", value=self.negatives)
        if self.seed < 0:
            raise InputError("must not be negative", field="--seed", value=self.seed)

    @property
    def positives(self) -> int | None:
        """How many of `count` are about categories that are there."""
        return None if self.count is None else self.count - round(self.count * self.negatives)

    def wanted_negatives(self, positives: int) -> int:
        """How many questions about absent categories belong to so many about present ones."""
        if self.count is not None:
            return round(self.count * self.negatives)
        return round(positives * self.negatives / (1 - self.negatives))


class Generated(FileModel):
    """Generated data: how many images, by which seed."""

    images: int
    seed: int


class Subset(FileModel):
    """subset.json: the questions of a training set by id; with the data set itself it is made again exactly."""

    task: str
    split: str | None
    seed: int
    shots: int | None
    count: int | None
    negatives: Annotated[float, Field(ge=0, lt=1)]
    categories: list[str] | None = Field(description="as asked for; null: those of the task")
    labels: list[str] | None = Field(description="names of the classes as given; null: those of the data")
    generated: Generated | None = Field(description="how the images were made, for the shapes tasks")
    ids: dict[str, list[str]] = Field(description="questions by category, in the order drawn")
    absent: dict[str, list[str]] = Field(description="questions about categories that are not in the image")
    fingerprint: str = Field(description="SHA-256 over ids, image names, sizes and truths of these questions")
    images_sha256: str = Field(description="SHA-256 over the image files of these questions")

    @property
    def every_id(self) -> list[str]:
        """All questions in their order."""
        return [key for group in (self.ids, self.absent) for keys in group.values() for key in keys]


def read_subset(file: Path) -> Subset:
    """Read a subset.json. Raises InputError, also for an id that is there twice."""
    subset = validate(Subset, read_json(file, unique=True), file)
    seen: set[str] = set()
    for key in subset.every_id:
        if key in seen:
            raise InputError("id used twice", file=file, field="ids", value=key)
        seen.add(key)
    if not seen:
        raise InputError("names no questions", file=file, field="ids")
    return subset


def draw_shots(ids: Mapping[str, Sequence[str]], shots: int, seed: int) -> dict[str, list[str]]:
    """Draw `shots` ids of each category, or all where there are fewer: those of the smallest digests.

    So a category's images depend on nothing but the seed, its name and its ids, and fewer shots are some of more.

    >>> draw_shots({"cat": ["1", "2", "3"], "dog": ["4"]}, 2, seed=0)
    {'cat': ['3', '1'], 'dog': ['4']}
    """
    return {name: _in_order(name, keys, seed)[:shots] for name, keys in ids.items()}


def draw_evenly(ids: Mapping[str, Sequence[str]], count: int, seed: int) -> dict[str, list[str]]:
    """Draw `count` ids, as evenly over the categories as there are ids.

    >>> draw_evenly({"cat": ["1", "2", "3"], "dog": ["4"]}, 3, seed=0)
    {'cat': ['3', '1'], 'dog': ['4']}
    """
    ranked = [
        (rank, _digest(name, key, seed), name, key)
        for name, keys in ids.items()
        for rank, key in enumerate(_in_order(name, keys, seed))
    ]
    taken: dict[str, list[str]] = {name: [] for name in ids}
    for _, _, name, key in sorted(ranked)[:count]:
        taken[name].append(key)
    return taken


def _in_order(name: str, keys: Sequence[str], seed: int) -> list[str]:
    return sorted(keys, key=lambda key: _digest(name, key, seed))


def _digest(name: str, key: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}\0{name}\0{key}".encode()).hexdigest()
