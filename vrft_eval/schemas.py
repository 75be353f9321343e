"""The files a run folder holds, as Pydantic models; `schemas/` is generated from these."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, RootModel

from vrft_eval.baselines.models import Against, PaperTables
from vrft_eval.check.models import CheckReport
from vrft_eval.data_models import GroundingLine, LabelledIndex
from vrft_eval.file_model import FileModel as _File
from vrft_eval.file_model import Finite, FourNumbers, Model
from vrft_eval.file_model import validate as validate
from vrft_eval.files import read_json
from vrft_eval.gate.models import ExistMap, GateSummary
from vrft_eval.gate.models import Gate as Gate
from vrft_eval.masks.models import MaskLine
from vrft_eval.session import Session as Session

Engine = Literal["hotcoco", "pycocotools"]


class Settings(_File):
    """What the answers depend on: a run is continued only when all of these are the same."""

    task: str
    backend: str
    model: str | None = Field(description="fingerprint of the model's files, or its Hugging Face name")
    responses: str | None = Field(default=None, description="fingerprint of the recorded answers (replay)")
    data: str = Field(description="fingerprint of ids, image sizes and truths")
    prompt: str = Field(description="the prompt's template, with its placeholders")
    gate: Gate | None = Field(description="which categories were asked of an image; null where the task has none")
    gate_prompt: str | None = Field(default=None, description="the first stage's question (gate model)")
    gate_map: str | None = Field(default=None, description="fingerprint of what the exist map says (gate file)")
    seed: int
    limit: int | None = Field(description="number of images drawn from the data, null for all")
    generation: dict[str, int | float | str | bool | None]
    split: str | None = Field(default=None, description="of the data, null for the task's own")
    categories: list[str] | None = Field(default=None, description="averaged instead of the task's (--categories)")
    labels: list[str] | None = Field(default=None, description="class names in the order of their numbers (--labels)")
    left_out: list[str] = Field(default=[], description="images that were not there (--missing skip)")


class Scoring(_File):
    """How answers are read and paid; may change between reports of one run."""

    space: str
    profile: str
    sam: str | None
    sam_dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    sam_choice: Literal["single", "best"] = "single"
    sam_fingerprint: str | None = Field(default=None, description="as in masks.jsonl")
    engine: Engine = "hotcoco"
    resamples: int = Field(default=1000, ge=0, description="of the bootstrap, 0 for none")


class Source(_File):
    """Where the data and the model were found; needed to make a report again."""

    model: str | None
    data: str | None
    annotations: str | None = None
    images: str | None = None
    generated: bool = False
    gate: str | None = Field(default=None, description="the exist map's file (gate file)")
    base_url: str | None = Field(default=None, description="of the server that answered last (openai)")


class RunInfo(_File):
    """run.json: written before the first answer, its sessions while they ask."""

    version: Literal[1] = 1
    created: str
    settings: Settings
    scoring: Scoring
    source: Source
    packages: dict[str, str]
    python: str
    revision: str | None = Field(description="git revision of the harness, null when it is not run from a checkout")
    sessions: list[Session] = Field(default=[], description="those that asked a model, in their order")


class ResponseLine(_File):
    """One line of responses.jsonl: an answer, or the reason why there is none."""

    id: str
    completion: str | None
    error: str | None = None
    finish: Literal["stop", "length"] | None = None
    tokens: int | None = Field(default=None, ge=0, description="of the completion")
    prompt_tokens: int | None = Field(default=None, ge=0)
    cached_tokens: int | None = Field(default=None, ge=0, description="of prompt_tokens, taken from a cache")


class DetectionPrediction(_File):
    """One box in COCO's results format: xywh in pixels."""

    image_id: int
    category_id: int
    bbox: FourNumbers
    score: Annotated[float, Field(ge=0, le=1)]


class ClassificationPrediction(_File):
    """The class an answer was read as, null when it names none."""

    id: str
    label: str | None
    answer: str


class GroundingPrediction(_File):
    """The box an answer was read as: xyxy in pixels, null when there is none."""

    id: str
    box: FourNumbers | None


class Predictions(RootModel[list[DetectionPrediction] | list[ClassificationPrediction] | list[GroundingPrediction]]):
    """predictions.json: a list of one kind of prediction."""


class RewardSummary(_File):
    """Mean reward of all asked samples (a missing answer is paid as an empty one) and of its parts."""

    profile: str
    mean: Finite | None
    bounds: tuple[Finite, Finite]
    parts: dict[str, Finite | None]


class Interval(_File):
    """The middle of a bootstrap over images, moved by its bias so that it lies around the estimate."""

    low: Finite
    high: Finite
    level: Annotated[float, Field(gt=0, lt=1)]
    resamples: int = Field(ge=1, description="those in which the metric had a value")
    bias: Finite = Field(description="mean of the resamples less the estimate; low and high are moved by it")


class Difference(_File):
    """Of two runs over the same images: second minus first, from the same resamples."""

    value: Finite
    interval: Interval | None
    p: Annotated[float, Field(ge=0, le=1)] | None


class Correlation(_File):
    """Spearman's rank correlation, over images, of the mean reward with a metric."""

    metric: str = Field(description="AP, IoU or accuracy of an image's samples")
    value: Annotated[float, Field(ge=-1, le=1)] | None
    n: int = Field(ge=0, description="images that have both")
    interval: Interval | None = None
    reason: str | None = Field(default=None, description="why there is no value")


class CalibrationBin(_File):
    """Detections with low <= confidence < high (the last bin also holds 1)."""

    low: Finite
    high: Finite
    count: int
    confidence: Finite | None = Field(description="mean confidence")
    precision: Finite | None = Field(description="share of true positives")


class Calibration(_File):
    """How far the stated confidence is from the chance of being a true positive."""

    iou: Finite
    ece: Finite = Field(description="mean over detections of their bin's |confidence - precision|")
    mce: Finite = Field(description="largest |confidence - precision| of a bin")
    detections: int
    bins: list[CalibrationBin]


class ErrorKinds(_File):
    """What the errors cost (TIDE): by how much AP at the IoU rises when one kind is mended, and how many there are."""

    iou: Finite
    background_iou: Finite
    ap: Finite
    delta_ap: dict[str, Finite]
    counts: dict[str, int]


class Diagnostics(_File):
    """Why a detection result is as it is; null where there is nothing to say it of."""

    calibration: Calibration | None
    errors: ErrorKinds | None


class ConfusedPair(_File):
    """How often images of one class were answered with another."""

    truth: str
    predicted: str
    count: int = Field(ge=1)


class Confusion(_File):
    """Which classes are taken for which other ones by the fuzzy rule, and answers that name no class at all."""

    pairs: list[ConfusedPair] = Field(description="the most frequent first")
    more_pairs: int = Field(ge=0, description="pairs that are not listed")
    other_class: int = Field(ge=0, description="answers that name another class")
    off_list: int = Field(ge=0, description="answers that name no class of the list")
    without_answer: int = Field(ge=0, description="no answer, or nothing in it")


class Report(_File):
    """report.json: every metric is in 0..1, or null when there is nothing to measure it on."""

    version: Literal[1] = 1
    task: str
    kind: Literal["detection", "classification", "grounding"]
    model: str | None
    backend: str
    created: str
    headline: str = Field(description="the metric to look at first")
    metrics: dict[str, Finite | None]
    intervals: dict[str, Interval] = Field(default={}, description="of the headline metrics, by bootstrap over images")
    per_category: dict[str, dict[str, int | Finite | bool | None]]
    rewards: RewardSummary
    correlation: Correlation | None = None
    diagnostics: Diagnostics | None = None
    confusion: Confusion | None = Field(default=None, description="of classes; null for other tasks")
    against: Against | None = Field(default=None, description="beside published results, where that was asked for")
    engine: Engine | None = Field(default=None, description="what computed detection metrics; null for other tasks")
    counts: dict[str, int]
    notes: list[str]
    gate: Gate | None
    gate_summary: GateSummary | None = None
    space: str
    sam: str | None
    seed: int
    limit: int | None


class DemoPair(_File):
    """A metric before and after reinforcement fine-tuning."""

    sft: Finite | None
    rft: Finite | None
    difference: Finite | None


class DemoRow(_File):
    """One metric of one task, of greedy answers and of answers sampled at temperature 1."""

    task: str
    metric: str
    greedy: DemoPair
    sampled: DemoPair


class DemoIndex(_File):
    """report.json of `vrft-eval demo`: the table, and where the reports lie."""

    version: Literal[1] = 1
    rows: list[DemoRow]
    reports: dict[str, str]
    seconds: Finite


FILES: dict[str, type[BaseModel]] = {
    "run": RunInfo,
    "response": ResponseLine,
    "mask": MaskLine,
    "gate": ExistMap,
    "predictions": Predictions,
    "report": Report,
    "demo": DemoIndex,
    "paper": PaperTables,
    "check": CheckReport,
    "grounding": GroundingLine,
    "index": LabelledIndex,
}


def json_schemas(files: Mapping[str, type[BaseModel]] = FILES) -> dict[str, dict[str, Any]]:
    """The JSON Schema of each file, keyed by its name in `schemas/`."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {f"{name}.schema.json": dialect | model.model_json_schema() for name, model in files.items()}


def read_file(model: type[Model], file: Path) -> Model:
    """Read and check one of these files. Raises InputError."""
    return validate(model, read_json(file), file)
