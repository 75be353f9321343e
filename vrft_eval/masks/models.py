"""A predicted mask on file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vrft_eval.file_model import FileModel, FourNumbers


class Rle(FileModel):
    """A mask in COCO's compressed run-length encoding."""

    size: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=2, max_length=2, description="height, width")]
    counts: str


class MaskLine(FileModel):
    """One line of masks.jsonl: the mask that a SAM made of one box, so that it needn't be made again."""

    id: str
    image: str = Field(description="SHA-256 of the image's file")
    sam: str = Field(description="fingerprint of the SAM's files, its dtype and how it chose the mask")
    box: FourNumbers = Field(description="xyxy in pixels")
    mask: Rle
