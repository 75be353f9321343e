"""What the three kinds of task share: the words they speak with the rest of the harness."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from vrft_eval.backends.protocol import Answer
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.datasets.presence import Origin
from vrft_eval.errors import InputError
from vrft_eval.files import read_bytes
from vrft_eval.findings import KINDS, Findings
from vrft_eval.images import Progress, Size, check_images
from vrft_eval.masks.sam import Choice
from vrft_eval.metrics.bootstrap import Records, TermRecords, Terms
from vrft_eval.metrics.by_category import CategoryRecords
from vrft_eval.metrics.correlation import Quality
from vrft_eval.samples import Boxes, Kind, Sample
from vrft_eval.schemas import Confusion, Diagnostics, Engine, Gate
from vrft_eval.tasks.judged import Judged, Verdicts
from vrft_eval.tasks.prompts import load
from vrft_rewards import Space
from vrft_rewards.nearest import did_you_mean


@dataclass(frozen=True)
class DataSource:
    """Where to get a data set, and what to cite for it."""

    where: str
    citation: str


@dataclass(frozen=True)
class TaskSpec:
    """A task's name and what it means.

    prompt names a file in `prompts/`; loader a layout in `vrft_eval.datasets`, and layout describes it. categories are
    the names averaged in the headline (None: all). The first of the splits is taken without `--split`; published is
    how many images a split has. `generated` tasks make their own data.
    """

    name: str
    kind: Kind
    prompt: str
    metric: str
    loader: str
    layout: str
    categories: tuple[str, ...] | None = None
    gate: Gate | None = None
    generated: bool = False
    splits: tuple[str, ...] = ()
    published: Mapping[str, int] = field(default_factory=dict)
    source: DataSource | None = None

    def split_of(self, options: LoadOptions) -> str | None:
        """The split that is taken: the one asked for, else the first."""
        return options.split or next(iter(self.splits), None)


@dataclass(frozen=True)
class Reading:
    """How answers are read and paid. sam is a folder, or None: boxes are filled.

    engine computes detection metrics; resamples and seed are those of the bootstrap (0: no intervals). sam_dtype and
    sam_choice say how SAM is run, sam_fingerprint which one it was where its folder is gone, masks_file where its masks
    are kept. against names published results that the report is put beside.
    """

    space: Space = "norm1000"
    profile: str = "default"
    sam: Path | None = None
    device: str = "auto"
    engine: Engine = "hotcoco"
    resamples: int = 1000
    seed: int = 0
    sam_dtype: str = "float32"
    sam_choice: Choice = "single"
    sam_fingerprint: str | None = None
    masks_file: Path | None = None
    against: str | None = None


@dataclass(frozen=True)
class Measures:
    """What a task's metrics came to; masks are predicted ones as COCO RLE, by sample id.

    predictions are what `compact_json` writes to predictions.json.

    records give the headline metrics for any draw of the images (intervals, paired tests), by_category those of each
    category too; quality is one number a sample, in the samples' order, that the rewards are correlated with. files are
    further ones of the run folder.

    precision is, for each selected category with truth, (10 IoU thresholds, 101 recalls): what AP is the mean of.
    """

    metrics: dict[str, float | None]
    per_category: dict[str, dict[str, int | float | bool | None]]
    predictions: Sequence[Any]
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    masks: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: Records | None = None
    by_category: CategoryRecords | None = None
    quality: Quality | None = None
    precision: Mapping[str, Boxes] = field(default_factory=dict)
    diagnostics: Diagnostics | None = None
    confusion: Confusion | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    engine: Engine | None = None


class TaskData(ABC):
    """The data of one task, loaded and checked: asks, judges and measures."""

    spec: TaskSpec
    options: LoadOptions
    headline: str
    notes: list[str]
    findings: Findings
    origin: Origin
    sizes: Mapping[Path, Size]
    """Sizes that the images were seen to have, where they were opened."""

    def _begin(self, spec: TaskSpec, options: LoadOptions, findings: Findings | None) -> Findings:
        """Take what every kind of data is made from. Raises InputError for a split that the task doesn't have."""
        if options.split is not None and spec.splits and options.split not in spec.splits:
            hint = f"{spec.name} has {', '.join(spec.splits)}"
            near = did_you_mean(options.split, spec.splits)
            raise InputError(f"no such split; {hint}", field="--split", value=options.split, hint=near)
        self.spec, self.options, self.notes, self.sizes = spec, options, [], {}
        self.findings = findings or Findings()
        return self.findings

    def data_notes(self) -> list[str]:
        """What a report must say of the data themselves: what was odd in them, and images that are not there."""
        packed = self.origin.embedded is not None
        absent = sum(path in self.origin.unusable or (packed and not path.is_file()) for path in self.images())
        notes = self.findings.notes()
        if absent:
            notes.append(f"{absent:,} images are not there: the report shows no picture of them.")
        return notes

    def data_counts(self) -> dict[str, int]:
        """What a report counts of the data themselves."""
        left_out = len(self.origin.left_out)
        return {"images_left_out": left_out} if left_out else {}

    def _compare_count(self, images: int) -> None:
        """Note that a split isn't as large as the published one."""
        split = self.spec.split_of(self.options)
        published = images if split is None else self.spec.published.get(split, images)
        if images != published:
            self.findings.see("other_count", f"{images:,} images, and {split} has {published:,}")

    @abstractmethod
    def every_image(self) -> set[Path]:
        """The images of the whole data, however few are drawn."""

    @abstractmethod
    def images(self) -> Mapping[Path, tuple[int, int] | None]:
        """Every image that will be asked about, with the size its annotations claim."""

    @abstractmethod
    def known(self, key: str) -> str | None:
        """Say what is wrong with an answer's id, or None."""

    @abstractmethod
    def samples(self, template: str, gate: Gate | None, recorded: Sequence[str] = ()) -> tuple[Sample, ...]:
        """Build the samples; `recorded` are the answered ids, for the gate of that name.

        Raises ValueError when the template lacks the task's placeholder.
        """

    def only(self, samples: Sequence[Sample]) -> TaskData:  # noqa: ARG002
        """The data that these samples ask about: what a run has come to so far is measured on them alone."""
        return self

    @abstractmethod
    def reward_bounds(self, reading: Reading) -> tuple[float, float]:
        """Lowest and highest reward. Raises ValueError for an unknown profile."""

    def check_reading(self, reading: Reading) -> None:
        """Find out early that answers can't be read or paid as asked. Raises ValueError."""
        self.reward_bounds(reading)

    @abstractmethod
    def judge(self, sample: Sample, answer: Answer | None, reading: Reading) -> Judged:
        """Take one answer apart and score it. Total in the answer."""

    def judge_all(self, samples: Sequence[Sample], answers: Sequence[Answer | None], reading: Reading) -> Verdicts:
        """Judge many samples, each with its answer."""
        return Verdicts.of(self.judge(sample, answer, reading) for sample, answer in zip(samples, answers, strict=True))

    @abstractmethod
    def measure(self, judged: Verdicts, reading: Reading) -> Measures:
        """Compute the task's metrics."""

    def check_images(self, progress: Progress | None = None) -> None:
        """Open every image's header; write out the images that lie inside a file of many.

        Raises InputError for images that are missing, broken or of another size: the first, and how many more.
        """
        images = self.images()
        if self.origin.embedded is not None:
            self.origin.embedded.unpack(images)
        checked = check_images(images, progress=progress)
        self.sizes, errors = checked.sizes, checked.errors
        if len(errors) > 1:
            kinds = Counter(KINDS[error.kind][1] for error in errors)
            listed = "; ".join(f"{count:,} {text}" for text, count in kinds.items())
            raise InputError(f"{errors[0].detail} (of {len(images):,} images: {listed})", file=errors[0].file)
        if errors:
            raise errors[0]


def clip_boxes(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Clip (n, 4) pixel boxes to an image of (width, height)."""
    limits = np.array([size[0], size[1], size[0], size[1]], dtype=np.float64)
    return np.clip(boxes, 0.0, limits)


def template_of(spec: TaskSpec, file: Path | None = None) -> str:
    """The task's prompt with its placeholders, or the user's. Raises InputError when the file can't be read."""
    if file is not None:
        try:
            return read_bytes(file).decode("utf-8").rstrip("\n")
        except UnicodeDecodeError:
            raise InputError("not UTF-8", file=file) from None
    return load(spec.prompt)


def term_records(judged: Sequence[Judged], **terms: Terms) -> TermRecords:
    """Records of metrics that are means or ratios over the judged samples, clustered by image."""
    return TermRecords([item.sample.image_id for item in judged], terms)


Item = TypeVar("Item")


def draw(items: Sequence[Item], limit: int | None, seed: int) -> list[Item]:
    """Draw `limit` items at random by the seed, kept in their order: a small run sees a fair share of the data.

    >>> draw("abcdef", 3, seed=1)
    ['a', 'b', 'e']
    """
    if limit is None or limit >= len(items):
        return list(items)
    if limit < 1:
        raise InputError("must be 1 or more", field="limit", value=limit)
    return [items[k] for k in sorted(random.Random(seed).sample(range(len(items)), limit))]
