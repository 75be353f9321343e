"""What all models of files have in common: no unknown fields, no NaN; and how a decoded file is checked against one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vrft_eval.errors import InputError

Finite = Annotated[float, Field(allow_inf_nan=False)]
FourNumbers = Annotated[list[Finite], Field(min_length=4, max_length=4)]
Model = TypeVar("Model", bound=BaseModel)


class FileModel(BaseModel):
    """A file, or a part of one, that is read and written."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, ser_json_inf_nan="null")


def validate(model: type[Model], value: Any, file: Path, line: int | None = None, where: str = "") -> Model:
    """Check a decoded file, or a part of it named `where`, against its model.

    Raises InputError with the first field that doesn't fit.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join([*([where] if where else []), *(str(part) for part in first["loc"])]) or None
        raise InputError(first["msg"], file=file, line=line, field=field, value=first["input"]) from None
