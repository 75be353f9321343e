"""What a run would ask, and from a measured rate how long that takes and what it costs; nothing is assumed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from vrft_eval.backends.chunks import one_line
from vrft_eval.backends.pixels import bound_pixels
from vrft_eval.backends.protocol import Prompt
from vrft_eval.data_paths import DataPaths
from vrft_eval.errors import InputError
from vrft_eval.gate.choose import GateChoice
from vrft_eval.gate.stage import GateStage
from vrft_eval.images import Size, image_size
from vrft_eval.provenance import find_model
from vrft_eval.runs import RunFolder
from vrft_eval.tasks import TaskSpec, load_task
from vrft_eval.tasks.base import template_of
from vrft_eval.tasks.detection import DetectionData


class TokenCount:
    """Counts the tokens of prompts with the model's own tokenizer and image processor, which resizes nothing for that.

    Raises InputError for a model whose processor can't be loaded or doesn't tell what an image comes to.
    """

    def __init__(self, model: str, min_pixels: int | None = None, max_pixels: int | None = None) -> None:
        from transformers import AutoProcessor

        # transformers leaves it untyped.
        auto: Any = AutoProcessor
        try:
            self._processor = auto.from_pretrained(find_model(model))
        except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
            raise InputError(f"the model's processor can't be loaded: {one_line(error)}", file=model) from error
        images = getattr(self._processor, "image_processor", None)
        if not hasattr(images, "get_number_of_image_patches"):
            raise InputError("the model's processor doesn't tell how many tokens an image is", file=model)
        bound_pixels(images, min_pixels, max_pixels)
        self._images: Any = images
        self._text = lru_cache(maxsize=2**16)(self._count_text)
        self._image = lru_cache(maxsize=2**16)(self._count_image)

    def of(self, text: str, size: Size) -> int:
        """Tokens of a prompt about an image of (width, height). Raises ValueError for one that can't be resized."""
        return self._text(text) + self._image(size)

    def _count_text(self, text: str) -> int:
        messages = Prompt("", Path(), text).messages({"type": "image"})
        rendered = self._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        whole = self._processor.tokenizer(rendered, add_special_tokens=False, verbose=False)["input_ids"]
        # The image's tokens take the place of their one marker.
        return len(whole) - 1

    def _count_image(self, size: Size) -> int:
        patches: int = self._images.get_number_of_image_patches(size[1], size[0], {})
        return patches // int(getattr(self._images, "merge_size", 1)) ** 2


@dataclass(frozen=True)
class Stage:
    """One stage of one task: name is '' where the task has only one; note says what its number rests on."""

    task: str
    name: str
    images: int
    prompts: int
    prompt_tokens: int | None
    note: str | None = None


@dataclass(frozen=True)
class Pace:
    """How fast one worker answers, and how long its answers are on average (None: not known); source says whence."""

    rate: float
    answer_tokens: float | None
    source: str


@dataclass(frozen=True)
class Estimate:
    """Hours until the end, and of all workers together."""

    hours: float
    worker_hours: float


def plan_stages(
    spec: TaskSpec,
    paths: DataPaths,
    *,
    gate: GateChoice | None = None,
    prompt: Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    tokens: TokenCount | None = None,
) -> list[Stage]:
    """What a run of a task would ask, stage by stage. Raises InputError; writes nothing."""
    if paths.data is None and paths.annotations is None:
        raise InputError(f"the data of {spec.name} must be named", field="--data")
    data = load_task(spec, paths.options(spec, limit=limit, seed=seed, missing="error"))
    template, images = template_of(spec, prompt), data.images()

    def stage(name: str, asked: Iterable[tuple[str, Path]], note: str | None = None) -> Stage:
        count = total = 0
        for text, path in asked:
            count += 1
            if tokens is not None:
                total += tokens.of(text, images.get(path) or image_size(path))
        return Stage(spec.name, name, len(images), count, None if tokens is None else total, note)

    if not isinstance(data, DetectionData):
        if gate is not None:
            raise InputError(f"only detection tasks have a gate, {spec.name} has none", field="--gate", value=gate.name)
        return [stage("", ((sample.prompt, sample.image) for sample in data.samples(template, None)))]
    choice = gate or GateChoice(spec.gate or "truth")
    # A gate reads its folder only to continue a run.
    asks = GateStage(data, choice, RunFolder(Path()))
    if asks.model is None:
        return [stage("", ((sample.prompt, sample.image) for sample in asks.samples(template)))]
    return [
        stage("gate", ((question.text, question.image) for question in asks.model.left())),
        stage(
            "boxes",
            ((sample.prompt, sample.image) for sample in data.samples(template, "truth")),
            "as many as a gate without mistakes lets pass; a model's lets more or fewer",
        ),
    ]


def measured_pace(run: Path) -> Pace:
    """The pace of a finished or stopped run, taken for that of one worker. Raises InputError when it records none."""
    sessions = RunFolder(run).read_info().sessions
    seconds = sum(session.seconds for session in sessions)
    done = sum(session.answered + session.failed for session in sessions)
    if not seconds or not done:
        raise InputError("records no rate: no model was asked in it", file=run / "run.json")
    counted = [session for session in sessions if session.answer_tokens is not None and session.answered]
    answered = sum(session.answered for session in counted)
    length = sum(session.answer_tokens or 0 for session in counted) / answered if answered else None
    return Pace(done / seconds, length, f"measured: {done:,} prompts in {seconds:,.0f} s, {run}")


def estimate(prompts: int, pace: Pace, workers: int) -> Estimate:
    """Time for prompts at a pace, if workers don't get in each other's way.

    >>> estimate(72_000, Pace(10.0, None, "given"), 4)
    Estimate(hours=0.5, worker_hours=2.0)
    """
    worker_hours = prompts / pace.rate / 3600
    return Estimate(worker_hours / workers, worker_hours)
