"""What all models of files have in common: no unknown fields, no NaN."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Finite = Annotated[float, Field(allow_inf_nan=False)]
FourNumbers = Annotated[list[Finite], Field(min_length=4, max_length=4)]


class FileModel(BaseModel):
    """A file, or a part of one, that is read and written."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, ser_json_inf_nan="null")
