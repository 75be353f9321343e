"""A training recipe: one YAML file per experiment, read strictly, with `key=value` overrides from the command line."""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from vrft_eval.errors import InputError, nearest
from vrft_rewards import Space
from vrft_rewards.profiles import Task

Config = TypeVar("Config")
Place = tuple[str | int, ...]
Places = dict[Place, tuple[Path | None, int | None]]
"""File and line of each field; (None, None) is the command line."""
Point = tuple[Annotated[int, Field(ge=0)], Annotated[float, Field(ge=0, allow_inf_nan=False)]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class RewardOptions(_Strict):
    """What is paid. The three tasks' blocks replace fields of the profile, see `vrft_rewards.profiles`."""

    profile: str = "default"
    labels: list[str] | str | None = None
    aliases: dict[str, list[str]] | str | None = None
    detection: dict[str, Any] = {}
    classification: dict[str, Any] = {}
    grounding: dict[str, Any] = {}
    own: dict[Task, str] = {}
    """Task -> `module:name` or `file.py:name` of a `vrft_rewards.Reward` that pays in place of ours."""
    schedule: dict[str, Annotated[list[Point], Field(min_length=1)]] = {}
    """Part -> [step, factor] points, straight lines between them: what the part's weight is multiplied by."""


class StopRules(_Strict):
    """When a run ends by itself. A loss, gradient or reward that isn't finite always ends it."""

    collapsed_steps: int = Field(default=50, ge=0)
    """Steps in a row in whose logs nothing, or nothing but the format, was paid; 0 never stops."""
    collapsed_below: float = Field(default=0.01, ge=0)
    """Up to which mean a part counts as not paid."""


class PublishedRow(_Strict):
    """The row of the paper that the recipe is for, as in `vrft_eval/baselines`."""

    table: int
    model: str
    method: Literal["SFT", "Visual-RFT"]
    shots: int | None = None


class Recipe(_Strict):
    """One experiment. `{data}`, `{output}`, `{model}`, `{scored_by}` in a text stand for that field's value."""

    model: str
    data: str
    output: str
    scored_by: str = ""
    """The vrft-eval task that scores it."""
    split: str = "train"
    task: Task | None = None
    """Of every row; None for data with a column `task`."""
    space: Space = "norm1000"
    """Coordinates of the answers, as the prompt asks for them."""
    truth_space: Space | None = None
    """Coordinates of the truth; None: those of the answers."""
    reward: RewardOptions = RewardOptions()
    lora: dict[str, Any] | None = None
    freeze_vision: bool = False
    min_pixels: int | None = Field(default=None, ge=1)
    max_pixels: int | None = Field(default=None, ge=1)
    model_options: dict[str, Any] = {}
    """For `from_pretrained`: dtype, attn_implementation, revision, ..."""
    resume: Literal["auto", "never"] = "auto"
    without_flat: str | None = None
    """Output folder of an earlier run: prompts none of whose groups had spread there are left out."""
    samples: int = Field(default=4, ge=0)
    """Completions a step that are written to samples.jsonl."""
    stop: StopRules = StopRules()
    training: dict[str, Any] = {}
    """transformers' TrainingArguments, for either trainer."""
    grpo: dict[str, Any] = {}
    """TRL's GRPOConfig."""
    sft: dict[str, Any] = {}
    """TRL's SFTConfig."""
    published: list[PublishedRow] = []
    evaluate: list[str] = []
    """The commands that score the trained model."""

    _places: Places = {}

    def error(self, message: str, *where: str | int, **value: Any) -> InputError:
        """An InputError that names the line of the recipe which set a field."""
        return _error(self._places, message, where, **value)

    def arguments(self, kind: type[Config], block: Literal["grpo", "sft"], **fixed: Any) -> Config:
        """Make TRL's configuration from `training` and the trainer's own block.

        `fixed` is what the recipe says elsewhere. Raises InputError for an unknown name or a value that doesn't fit.
        """
        hints = get_type_hints(kind)
        known = [field.name for field in dataclasses.fields(kind) if field.init]  # type: ignore[arg-type]
        given: dict[str, Any] = {}
        for where, values in (("training", self.training), (block, getattr(self, block))):
            for name, value in values.items():
                if name in (*fixed, "resume_from_checkpoint"):
                    raise self.error("is set by the recipe itself, elsewhere", where, name)
                if name not in known:
                    raise self.error(f"unknown, {nearest(name, known)}", where, name)
                try:
                    given[name] = TypeAdapter(hints[name]).validate_python(value)
                except ValidationError as error:
                    raise self.error(error.errors()[0]["msg"], where, name, value=value) from None
        try:
            config = kind(**fixed, **given)
        except ValueError as error:  # what doesn't fit together
            raise self.error(str(error), block) from None
        seen = getattr(config, "n_gpu", 1)
        if seen > 1:
            message = "start it by accelerate launch (docs/training.md), or show it one by CUDA_VISIBLE_DEVICES"
            raise InputError(f"one process sees {seen} GPUs: {message}")
        return config


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe, the one that its `base` names (a path beside it) below it, and overrides such as `grpo.beta=0`.

    Raises InputError with the line for a file that can't be read, an unknown key (with the nearest one), or a value
    that doesn't fit.
    """
    places: Places = {}
    document = _read(path, places)
    base = document.pop("base", None)
    if base is not None:
        below: Places = {}
        shared = _read(path.parent / str(base), below)
        if "base" in shared:
            raise InputError("a base has no base of its own", file=path.parent / str(base), field="base")
        document = _merged(shared, document)
        places = below | places
    for item in overrides:
        key, equals, text = item.partition("=")
        if not equals:
            raise InputError("expected key=value", field=item)
        keys = key.split(".")
        places[tuple(keys)] = (None, None)
        value: Any = _parsed(text, key)
        for part in reversed(keys):
            value = {part: value}
        document = _merged(document, value)
    try:
        recipe = Recipe.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = first["loc"]
        if first["type"] == "extra_forbidden":
            raise _error(places, f"unknown, {nearest(str(where[-1]), _known(where[:-1]))}", where) from None
        raise _error(places, first["msg"], where, value=first["input"]) from None
    recipe._places = places
    return _filled(recipe)


def _error(places: Places, message: str, where: Place, **value: Any) -> InputError:
    file, line = next((places[where[:n]] for n in range(len(where), 0, -1) if where[:n] in places), (None, None))
    return InputError(message, file=file, line=line, field=".".join(map(str, where)), **value)


def _read(path: Path, places: Places) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        node, document = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        raise InputError(f"not YAML: {getattr(error, 'problem', error)}", file=path, line=line) from None
    if not isinstance(document, dict):
        raise InputError("expected keys and values", file=path)
    _mark(node, (), path, places)
    return document


def _mark(node: Any, place: Place, file: Path, places: Places) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner, line = (*place, key.value), key.start_mark.line + 1
            if inner in places:
                raise InputError("is there twice", file=file, line=line, field=".".join(map(str, inner)))
            places[inner] = (file, line)
            _mark(value, inner, file, places)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            inner = (*place, index)
            places[inner] = (file, item.start_mark.line + 1)
            _mark(item, inner, file, places)


def _merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return merged


def _parsed(text: str, key: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError("not a YAML value", field=key, value=text) from error


def _known(parents: Sequence[str | int]) -> list[str]:
    """The keys that are allowed at a place of a recipe."""
    model: type[BaseModel] = Recipe
    for parent in parents:
        if isinstance(parent, str):
            annotation = model.model_fields[parent].annotation
            model = next(kind for kind in (*get_args(annotation), annotation) if isinstance(kind, type))
    return list(model.model_fields)


def _filled(recipe: Recipe) -> Recipe:
    """Put the values of fields where texts name them in braces."""
    values = {"scored_by": recipe.scored_by, "model": recipe.model}
    for name in ("data", "output"):
        values[name] = _fill(recipe, getattr(recipe, name), values, name)
        setattr(recipe, name, values[name])
    recipe.evaluate = [_fill(recipe, text, values, "evaluate", k) for k, text in enumerate(recipe.evaluate)]
    if isinstance(recipe.reward.labels, str):
        recipe.reward.labels = _fill(recipe, recipe.reward.labels, values, "reward", "labels")
    return recipe


def _fill(recipe: Recipe, text: str, values: Mapping[str, str], *where: str | int) -> str:
    try:
        return string.Formatter().vformat(text, (), values)
    except (AttributeError, KeyError, IndexError, ValueError):
        raise recipe.error(f"in braces there may be {', '.join(values)}", *where, value=text) from None
