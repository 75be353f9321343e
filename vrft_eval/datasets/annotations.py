"""True boxes: one by one, and all of a data set as columns, so that a whole file is checked and counted at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import overload

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Annotation:
    """One true box, xywh in pixels as in the file."""

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    area: float
    crowd: bool

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """The box as corners."""
        x, y, w, h = self.bbox
        return (x, y, x + w, y + h)


@dataclass(frozen=True, eq=False)
class Annotations(Sequence[Annotation]):
    """n true boxes as columns: ids (n,), boxes (n, 4) xywh in pixels as in the file, area (n,), crowd (n,)."""

    image_id: NDArray[np.int64]
    category_id: NDArray[np.int64]
    boxes: NDArray[np.float64]
    area: NDArray[np.float64]
    crowd: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Iterable[Annotation]) -> Annotations:
        """Put single boxes into columns; columns are returned as they are.

        >>> Annotations.of([Annotation(7, 1, (0.0, 0.0, 4.0, 2.0), 8.0, False)])[0].xyxy
        (0.0, 0.0, 4.0, 2.0)
        """
        if isinstance(rows, Annotations):
            return rows
        listed = list(rows)
        return cls(
            np.array([row.image_id for row in listed], dtype=np.int64),
            np.array([row.category_id for row in listed], dtype=np.int64),
            np.array([row.bbox for row in listed], dtype=np.float64).reshape(-1, 4),
            np.array([row.area for row in listed], dtype=np.float64),
            np.array([row.crowd for row in listed], dtype=np.bool_),
        )

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.image_id)

    @overload
    def __getitem__(self, index: int) -> Annotation: ...
    @overload
    def __getitem__(self, index: slice) -> Annotations: ...
    def __getitem__(self, index: int | slice) -> Annotation | Annotations:
        """Return one box, or the columns of some."""
        if isinstance(index, slice):
            return self.where(index)
        x, y, w, h = self.boxes[index].tolist()
        return Annotation(
            int(self.image_id[index]),
            int(self.category_id[index]),
            (x, y, w, h),
            float(self.area[index]),
            bool(self.crowd[index]),
        )

    def __eq__(self, other: object) -> bool:
        """Whether two have the same boxes in the same order."""
        if not isinstance(other, Annotations):
            return NotImplemented
        return all(np.array_equal(getattr(self, field.name), getattr(other, field.name)) for field in fields(self))

    def where(self, kept: NDArray[np.bool_] | slice) -> Annotations:
        """The boxes that are kept."""
        return Annotations(
            self.image_id[kept], self.category_id[kept], self.boxes[kept], self.area[kept], self.crowd[kept]
        )

    def of_images(self, ids: Iterable[int]) -> Annotations:
        """The boxes of some images."""
        return self.where(np.isin(self.image_id, np.fromiter(ids, dtype=np.int64)))

    def pairs(self) -> list[tuple[int, int]]:
        """The image and the category of each box."""
        return list(zip(self.image_id.tolist(), self.category_id.tolist(), strict=True))
