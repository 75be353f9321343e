"""Records of the headline metric of each category, to be drawn together with those of the whole."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vrft_eval.metrics.bootstrap import Floats, Records, Weights


@dataclass(frozen=True, eq=False)
class CategoryRecords:
    """The metrics of the whole and, under `category_key` of its name, each category's own headline metric.

    images says in how many images a category has truth: draws hardly vary what only a few images hold.
    """

    records: Records
    images: Mapping[str, int]


def category_key(name: str) -> str:
    """What a category's metric is called in the records: no metric has such a name.

    >>> category_key("cat")
    'category cat'
    """
    return f"category {name}"


def mean_by_class(whole: Records, classes: Sequence[str], values: Floats) -> CategoryRecords:
    """The mean of values in each class: n images, in the order of the whole's records, have a class and a value each.

    Raises ValueError where there isn't one sample an image.
    """
    if len(classes) != len(whole.images):
        raise ValueError(f"classes: {len(classes)} for {len(whole.images)} images")
    members: dict[str, list[int]] = {}
    for place, name in enumerate(classes):
        members.setdefault(name, []).append(place)
    return CategoryRecords(_ByClass(whole, members, values), {name: len(mine) for name, mine in members.items()})


class _ByClass:
    def __init__(self, whole: Records, members: Mapping[str, Sequence[int]], values: Floats) -> None:
        self._whole, self._members, self._values = whole, members, values

    @property
    def images(self) -> tuple[Hashable, ...]:
        return self._whole.images

    def metrics(self, weights: Weights) -> dict[str, Floats]:
        found = self._whole.metrics(weights)
        for name, mine in self._members.items():
            drawn = weights[:, mine].astype(np.float64)
            count = drawn.sum(axis=1)
            mean = np.full(len(count), np.nan)
            found[category_key(name)] = np.divide(drawn @ self._values[mine], count, out=mean, where=count > 0)
        return found
