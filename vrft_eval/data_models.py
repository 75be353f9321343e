"""The two formats of data that are this project's own, as Pydantic models: grounding lines, and labelled indexes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from vrft_eval.file_model import FourNumbers

Side = Annotated[int, Field(gt=0, lt=2**24)]
TwoSides = Annotated[list[Side], Field(min_length=2, max_length=2)]


class _Row(BaseModel):
    """A row of the user's; columns that nothing here reads are no error."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, strict=True)


class RunLengths(_Row):
    """A mask as COCO's run lengths."""

    size: TwoSides = Field(description="height, width")
    counts: str | list[Annotated[int, Field(ge=0)]] = Field(description="compressed, or the runs")

    def rle(self) -> dict[str, Any]:
        """The mask as `vrft_eval.rle` takes it."""
        return {"size": self.size, "counts": self.counts}


class GroundingLine(_Row):
    """One line of grounding.jsonl: a description of one thing in an image."""

    image: str = Field(description="path relative to the file's folder, or to --images")
    text: str = Field(description="not blank")
    box: FourNumbers | None = Field(description="x1, y1, x2, y2 in pixels; null beside an empty mask: nothing to find")
    mask: RunLengths | None = Field(default=None, description="the true region")
    ignore: RunLengths | None = Field(default=None, description="pixels that count on neither side")
    size: TwoSides | None = Field(default=None, description="width, height; else the mask's, else the image's")


class LabelledEntry(_Row):
    """One entry of index.json, or one line of index.csv."""

    image: str = Field(description="path relative to the file's folder, or to --images")
    label: str = Field(description="the class, not blank")


class LabelledIndex(RootModel[list[LabelledEntry]]):
    """index.json: labelled images."""
