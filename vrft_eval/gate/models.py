"""The files and report parts that are the gate's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vrft_eval.file_model import FileModel, Finite

Gate = Literal["none", "truth", "negatives", "recorded", "model", "file"]


class GateAnswers(FileModel):
    """How a model's answers to the gate's questions could be read."""

    questions: int = Field(ge=0)
    unclear: int = Field(ge=0, description="neither yes nor no, or no list; their categories were asked for boxes")
    failed: int = Field(ge=0, description="without an answer; their categories were asked for boxes")
    unknown_names: int = Field(default=0, ge=0, description="names in lists that are no category's")


class ExistMap(FileModel):
    """gate.json, and what `--gate FILE` takes: the categories that are said to be in each image."""

    version: Literal[1] = 1
    task: str | None = None
    model: str | None = None
    prompt: str | None = Field(default=None, description="the question, with its placeholder")
    created: str | None = None
    answers: GateAnswers | None = None
    categories: list[str] | None = Field(default=None, description="those asked about; null when that is not known")
    images: dict[str, list[str]] = Field(description="names of categories by the image's id, in plain digits")


class GateSummary(FileModel):
    """What the gate did; a pair is an image of the run with a category of the headline."""

    pairs: int = Field(ge=0, description="all of them")
    asked: int = Field(ge=0, description="those asked for boxes")
    precision: Finite | None = Field(description="share of the asked pairs with a true box, where that is known")
    recall: Finite | None = Field(description="share of the pairs with a true box that were asked")
    hidden_pairs: int = Field(ge=0, description="pairs with a true box that were not asked")
    hidden_boxes: int = Field(ge=0, description="true boxes of these; each counts as missed")
    ceiling: Finite | None = Field(description="mAP of a detector that finds every box it is asked for")
    answers: GateAnswers | None = Field(description="of the model that was asked, where there was one")
    never_named: list[str] = Field(description="categories with ground truth that no image of the exist map names")
