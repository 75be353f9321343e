"""The first stage of two-stage detection: ask the model which categories are in an image, and read what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from vrft_eval.backends.protocol import Answer, Prompt
from vrft_eval.errors import InputError
from vrft_eval.gate.reading import read_names, read_yes_no
from vrft_eval.schemas import ExistMap, GateAnswers
from vrft_eval.tasks.detection import DetectionData
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

    def questions(self) -> Iterator[Prompt]:
        """Every question, those about one image together."""
        listed = None if self.each else fill(self.template, categories=", ".join(self.categories.values()))
        for image in self.data.coco.images:
            if listed is not None:
                yield Prompt(str(image.id), image.path, listed)
                continue
            for key, name in self.categories.items():
                yield Prompt(f"{image.id}:{key}", image.path, fill(self.template, category=name))

    def pending(self) -> list[Prompt]:
        """Questions without an answer; one that failed is asked again."""
        return [item for item in self.questions() if (a := self.answers.get(item.id)) is None or a.completion is None]

    def unasked(self) -> int:
        """Questions that were never put to the model."""
        return sum(item.id not in self.answers for item in self.questions())

    def exist_map(self) -> ExistMap:
        """What the answers come to. An unclear or failed one hides nothing: its categories are said to be there."""
        unclear = failed = unknown = 0
        images: dict[str, list[str]] = {str(image.id): [] for image in self.data.coco.images}
        for question in self.questions():
            answer = self.answers.get(question.id)
            text = "" if answer is None else answer.completion
            if text is None:
                failed += 1
                text = ""
            image, _, category = question.id.partition(":")
            if category:
                verdict = read_yes_no(text)
                doubt = verdict == "unclear"
                if verdict != "no":
                    images[image].append(self.categories[int(category)])
            else:
                found = read_names(text, self._matcher)
                doubt, unknown = found.unclear, unknown + found.unknown
                images[image] = [name for name in self.categories.values() if doubt or name in found.names]
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
