"""The first stage of two-stage detection: ask the model which categories are in an image, and read what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from vrft_eval.backends.protocol import Answer, Prompt, still_to_ask
from vrft_eval.datasets import CocoImage
from vrft_eval.errors import InputError
from vrft_eval.gate.models import ExistMap, GateAnswers
from vrft_eval.gate.reading import read_names, read_yes_no
from vrft_eval.tasks.detection import DetectionData
from vrft_eval.tasks.judged import completion_of
from vrft_eval.tasks.prompts import fill, load, names
from vrft_rewards import LabelMatcher

_PLURALS = {
    "child": ("children",),
    "goose": ("geese",),
    "knife": ("knives",),
    "man": ("men",),
    "mouse": ("mice",),
    "person": ("people",),
    "woman": ("women",),
}
"""Plurals that no rule makes, of names that data sets have."""


def gate_template(prompt: str | None) -> str:
    """The question of the first stage: `gate` unless another prompt, shipped or in a file, is named.

    Raises InputError when there is none of that name, or it has not just one of {category} and {categories}.
    """
    name = prompt or "gate"
    if name not in names() and not Path(name).is_file():
        raise InputError("no such prompt (gate, gate-list or a file)", field="--gate-prompt", value=name)
    try:
        template = load(name)
    except UnicodeDecodeError:
        raise InputError("not UTF-8", file=name) from None
    if ("{category}" in template) == ("{categories}" in template):
        raise InputError(
            "must hold {category} (one question a category) or {categories} (one question an image), and not both",
            field="--gate-prompt",
            value=template,
        )
    return template


@dataclass(eq=False)
class ModelGate:
    """The questions about a data set's selected categories, and their answers so far, by id.

    A template with {category} asks about each (image, category) pair, id `<image_id>:<category_id>`; one with
    {categories} asks once an image, id `<image_id>`, for a list.
    """

    data: DetectionData
    template: str
    answers: dict[str, Answer] = field(default_factory=dict)

    def check(self) -> None:
        """Raise InputError when lists of the categories could not be read."""
        if not self.each:
            _ = self._matcher

    @property
    def each(self) -> bool:
        """Whether each category is a question of its own."""
        return "{category}" in self.template

    @cached_property
    def categories(self) -> dict[int, str]:
        """The categories that are asked about, in the data's order."""
        return {key: name for key, name in self.data.coco.categories.items() if key in self.data.selected}

    def __len__(self) -> int:
        """Number of questions."""
        return len(self.data.coco.images) * (len(self.categories) if self.each else 1)

    @cached_property
    def _texts(self) -> dict[int | None, str]:
        if self.each:
            return {key: fill(self.template, category=name) for key, name in self.categories.items()}
        return {None: fill(self.template, categories=", ".join(self.categories.values()))}

    def _asked(self) -> Iterator[tuple[str, CocoImage, int | None]]:
        """Id, image and category (None: all of them) of every question, those about one image together."""
        for image in self.data.coco.images:
            for key in self._texts:
                yield (str(image.id) if key is None else f"{image.id}:{key}"), image, key

    def left(self, retry_failed: bool = False) -> Iterator[Prompt]:
        """Questions that were not asked yet, and those that failed where they are to be asked again."""
        for question, image, key in self._asked():
            if still_to_ask(self.answers.get(question), retry_failed):
                yield Prompt(question, image.path, self._texts[key])

    def unasked(self) -> int:
        """Questions that were never put to the model."""
        return sum(question not in self.answers for question, _, _ in self._asked())

    def exist_map(self) -> ExistMap:
        """What the answers come to. An unclear or failed one hides nothing: its categories are said to be there."""
        unclear = failed = unknown = 0
        images: dict[str, list[str]] = {str(image.id): [] for image in self.data.coco.images}
        for question, image, key in self._asked():
            answer = self.answers.get(question)
            failed += answer is not None and answer.completion is None
            text = completion_of(answer)
            if key is not None:
                verdict = read_yes_no(text)
                doubt = verdict == "unclear"
                if verdict != "no":
                    images[str(image.id)].append(self.categories[key])
            else:
                found = read_names(text, self._matcher)
                doubt, unknown = found.unclear, unknown + found.unknown
                images[str(image.id)] = [name for name in self.categories.values() if doubt or name in found.names]
            unclear += doubt
        return ExistMap(
            task=self.data.spec.name,
            prompt=self.template,
            categories=list(self.categories.values()),
            answers=GateAnswers(questions=len(self), unclear=unclear - failed, failed=failed, unknown_names=unknown),
            images=images,
        )

    @cached_property
    def _matcher(self) -> LabelMatcher:
        listed = tuple(self.categories.values())
        try:
            return LabelMatcher(listed, {name: _PLURALS[name] for name in listed if name in _PLURALS})
        except ValueError as error:
            file = self.data.coco.file
            raise InputError(f"the categories can't be told apart in a list: {error}", file=file) from None
