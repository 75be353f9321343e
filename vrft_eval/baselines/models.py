"""The tables of a paper as a file, and a run beside their rows as part of a report."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from vrft_eval.file_model import FileModel, Finite

Method = Literal["baseline", "SFT", "Visual-RFT", "other system"]
Percent = Annotated[float, Field(ge=0, le=100)]


class PaperColumn(FileModel):
    """What a column holds, in the words of this harness."""

    header: str = Field(description="as printed")
    task: str | None = Field(description="null where a column is of no single task")
    metric: str = Field(description="the key in report.json that is computed in the same way")
    category: str | None = Field(default=None, description="null for the mean over the task's categories")
    split: str | None = Field(default=None, description="of the data, as the released evaluation reads it")


class PaperRow(FileModel):
    """One model, trained in one way."""

    model: str
    method: Method = Field(description="baseline is the model as released; other system is no model of the paper's")
    shots: int | None = Field(description="training images a category; null where the experiment has no such number")
    values: list[Percent | None] = Field(description="one a column, in percent; null is listed in left_out")


class PaperTable(FileModel):
    """One table."""

    number: int = Field(ge=1)
    about: str
    source: str = Field(description="where the numbers were read")
    columns: list[PaperColumn]
    rows: list[PaperRow]
    left_out: list[str] = Field(description="what is damaged or absent in the source, and so isn't here")
    remarks: list[str] = Field(description="what doesn't agree within the source")

    @model_validator(mode="after")
    def _one_value_a_column(self) -> PaperTable:
        for position, row in enumerate(self.rows):
            if len(row.values) != len(self.columns):
                raise ValueError(
                    f"table {self.number}, rows[{position}].values: expected {len(self.columns)} values, "
                    f"got {len(row.values)}"
                )
        return self


class PaperTables(FileModel):
    """All tables of a paper that hold results."""

    version: Literal[1] = 1
    title: str
    citation: str
    gate: str = Field(description="how the paper's detection asked about categories")
    tables: list[PaperTable]


class AgainstRow(FileModel):
    """A published number, and the run's that was computed in the same way; both in 0..1."""

    table: int
    model: str
    method: Method
    shots: int | None
    metric: str
    category: str | None
    split: str | None
    paper: Finite
    run: Finite | None
    difference: Finite | None = Field(description="the run's less the paper's")


class Against(FileModel):
    """A run beside the rows of a paper that are of the same task."""

    source: str
    rows: list[AgainstRow]
    differs: list[str] = Field(description="what isn't the same, so that the numbers can't simply be compared")
