"""Which data the user names, and how a run remembers it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vrft_eval.datasets import LoadOptions
from vrft_eval.datasets.names import parse_names
from vrft_eval.datasets.presence import Missing
from vrft_eval.errors import InputError, choice
from vrft_eval.schemas import Settings, Source
from vrft_eval.tasks import TaskData, TaskSpec

_MISSING: tuple[Missing, ...] = ("error", "skip")


@dataclass(frozen=True)
class DataPaths:
    """Where the user says that the data lies, and what of it is taken.

    categories and labels are files of names, or names with commas between them; missing is error or skip.
    """

    data: Path | None = None
    annotations: Path | None = None
    images: Path | None = None
    split: str | None = None
    categories: str | None = None
    labels: str | None = None
    missing: str | None = None

    def suited(self, spec: TaskSpec) -> DataPaths:
        """The same without what a task of this kind doesn't have, for several tasks in one command."""
        return replace(
            self,
            categories=self.categories if spec.kind == "detection" else None,
            labels=self.labels if spec.kind == "classification" else None,
        )

    def options(
        self,
        spec: TaskSpec,
        out: Path | None = None,
        *,
        limit: int | None = None,
        seed: int = 0,
        missing: Missing | None = None,
    ) -> LoadOptions:
        """Check the options for a task; missing is what an absent image means when the user doesn't say.

        Raises InputError.
        """
        if self.categories is not None and spec.kind != "detection":
            message = f"only detection tasks have categories, {spec.name} has none"
            raise InputError(message, field="--categories", value=self.categories)
        if self.labels is not None and spec.kind != "classification":
            raise InputError(f"only classification tasks have labels, {spec.name} has none", field="--labels")
        if self.missing is not None:
            missing = choice(self.missing, _MISSING, "--missing")
        return LoadOptions(
            self.data,
            self.annotations,
            self.images,
            limit,
            seed,
            self.split,
            None if self.categories is None else parse_names("--categories", self.categories),
            None if self.labels is None else parse_names("--labels", self.labels),
            missing,
            unpacked=None if out is None else out / "data",
        )


def options_of_run(settings: Settings, source: Source, run: Path, paths: DataPaths) -> LoadOptions:
    """Load a run's data again: as its run.json says, from other places if `paths` names some."""
    # A path inside the run folder is kept relative to it, so that the folder can be moved.
    data, annotations, images = (
        None if place is None else run / place for place in (source.data, source.annotations, source.images)
    )
    if paths != DataPaths():
        data, annotations, images = paths.data, paths.annotations, paths.images
    return LoadOptions(
        data,
        annotations,
        images,
        settings.limit,
        settings.seed,
        settings.split,
        None if settings.categories is None else tuple(settings.categories),
        None if settings.labels is None else tuple(settings.labels),
        left_out=tuple(settings.left_out),
        unpacked=run / "data",
    )


def data_settings(data: TaskData) -> dict[str, Any]:
    """What of its settings a run takes from its data: with these, and no files of names, they are loaded again."""
    options = data.options
    return {
        "split": options.split,
        "categories": None if options.categories is None else list(options.categories),
        "labels": None if options.labels is None else list(options.labels),
        "left_out": list(data.origin.left_out),
    }


def make_source(
    model: str | None,
    options: LoadOptions,
    out: Path,
    *,
    generated: bool = False,
    gate: str | None = None,
    base_url: str | None = None,
) -> Source:
    """Where the data and the model were found, for run.json."""
    return Source(
        model=model,
        data=_place(options.data, out),
        annotations=_place(options.annotations, out),
        images=_place(options.images, out),
        generated=generated,
        gate=gate,
        base_url=base_url,
    )


def _place(path: Path | None, out: Path) -> str | None:
    if path is None:
        return None
    path, out = path.resolve(), out.resolve()
    return path.relative_to(out).as_posix() if path.is_relative_to(out) else str(path)
