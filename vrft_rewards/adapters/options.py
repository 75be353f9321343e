"""What every adapter shares: rewards made from plain options, and a row's truth read from what data sets can store."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vrft_rewards.coordinates import ImageSize
from vrft_rewards.nearest import did_you_mean
from vrft_rewards.profiles import TASKS
from vrft_rewards.rewards import ClassificationReward, DetectionReward, GroundingReward, Reward
from vrft_rewards.scores import Score

__all__ = ["TASKS", "Judgement", "TaskRewards", "environment_options", "make_reward", "read_truth", "rewards_for"]

_PREFIX = "VRFT_REWARD_"
_OPTIONS = ("task", "profile", "labels", "aliases", "space", "truth_space")


def make_reward(
    task: str,
    profile: str = "default",
    labels: Sequence[str] | str | None = None,
    aliases: Mapping[str, Sequence[str]] | str | None = None,
    space: str | None = None,
    truth_space: str | None = None,
    **fields: object,
) -> Reward:
    """Return a task's reward from options as configuration files hold them.

    ``labels`` is a list or a file with one a line, ``aliases`` a mapping or a JSON file; ``fields`` replace fields
    of the profile. Raises ValueError for an unknown task, an option that the task doesn't have, and a bad value.

    >>> make_reward("grounding", "visual-rft", space="pixels").bounds
    (0.0, 3.0)
    """
    if task not in TASKS:
        known = f"{', '.join(TASKS)}{did_you_mean(task, TASKS)}"
        raise ValueError(f"task: unknown task {task!r}, expected one of {known}")
    spaces = {name: value for name, value in (("space", space), ("truth_space", truth_space)) if value is not None}
    if task == "classification":
        if spaces:
            raise ValueError(f"{next(iter(spaces))}: classification has no coordinates")
        names, others = _labels(labels), _aliases(aliases)
        return ClassificationReward(names, others, profile, **fields)
    for name, value in (("labels", labels), ("aliases", aliases)):
        if value is not None:
            raise ValueError(f"{name}: only for classification, not {task}")
    kind = DetectionReward if task == "detection" else GroundingReward
    return kind(profile, **spaces, **fields)


class Judgement(NamedTuple):
    """A score, and its value on a scale from 0 to 1."""

    score: Score
    unit: float


class TaskRewards:
    """The rewards of one task, or of several mixed in one data set. Deterministic, safe to share between threads.

    ``task`` is a name or a list of names; with several, every row has to name its own. Raises ValueError as
    `make_reward`.

    >>> rewards = TaskRewards(["detection", "classification"], labels=["rose", "tulip"])
    >>> rewards.names
    ('format',)
    >>> rewards.judge("<think>Red.</think><answer>rose</answer>", '{"task": "classification", "truth": "rose"}').unit
    1.0
    """

    def __init__(self, task: str | Sequence[str], **options: Any) -> None:
        names = [part.strip() for part in task.split(",")] if isinstance(task, str) else list(task or ())
        if not names:
            raise ValueError(f"task: missing; expected one of {', '.join(TASKS)}")
        self.rewards: dict[str, Reward] = {}
        for name in names:
            own = dict(options)
            if len(names) > 1:  # what one task has and another one hasn't goes to the one that has it
                for option in ("space", "truth_space") if name == "classification" else ("labels", "aliases"):
                    own.pop(option, None)
            self.rewards[name] = make_reward(name, **own)
        first, *others = self.rewards.values()
        # Frameworks take the names from one sample and lose the others', so only what every task has is named.
        self.names: tuple[str, ...] = tuple(key for key in first.keys if all(key in other.keys for other in others))
        """Names of the parts that every row's score has."""

    def judge(
        self,
        completion: object,
        truth: object,
        task: str | None = None,
        image_size: object = None,
        row: object = None,
    ) -> Judgement:
        """Judge a completion against a row's truth.

        The truth is as `read_truth` takes it; the task and image size that it names win over those given. Raises
        ValueError that starts with the row (where it is given) and names the field, for a bad truth, task or
        image size; never for a bad completion.
        """
        try:
            reward, value, size = self._resolve(truth, task, image_size)
            score = reward.score(completion, value, size)
        except ValueError as error:
            raise ValueError(str(error) if row is None else f"row {row}: {error}") from None
        low, high = reward.bounds
        return Judgement(score, (score.value - low) / (high - low) if high > low else 0.0)

    def numbers(self, score: Score) -> dict[str, float]:
        """Return the parts that every row has: the same keys for each row, finite numbers."""
        return {name: score.parts[name] for name in self.names}

    def _resolve(self, truth: object, task: str | None, image_size: object) -> tuple[Reward, Any, ImageSize | None]:
        value, own_task, own_size = read_truth(truth)
        name = own_task if own_task is not None else task
        if name is None:
            if len(self.rewards) > 1:
                raise ValueError(f"task: missing; the rewards are for {', '.join(self.rewards)}")
            name = next(iter(self.rewards))
        reward = self.rewards.get(name)
        if reward is None:
            raise ValueError(f"task: {name!r}; the rewards are for {', '.join(self.rewards)}")
        if name != "classification" and isinstance(value, str):
            value = _json(value, "truth")
        size: Any = _plain(own_size if own_size is not None else image_size)
        return reward, value, size


def read_truth(truth: object) -> tuple[Any, str | None, Any]:
    """Return a row's truth, its task and its image size (None where it doesn't say).

    A truth is a label, boxes as lists or arrays, the same as JSON text, or an object (a mapping or JSON text) with
    ``truth`` and optionally ``task`` and ``image_size``: many frameworks carry one text a row and nothing else.

    >>> read_truth('{"truth": [[0, 0, 9, 9]], "image_size": [64, 48]}')
    ([[0, 0, 9, 9]], None, [64, 48])
    >>> read_truth("rose")
    ('rose', None, None)
    """
    if isinstance(truth, str) and truth.lstrip().startswith("{"):
        truth = _json(truth, "truth")
    truth = _plain(truth)
    if not isinstance(truth, dict):
        return truth, None, None
    unknown = sorted(set(truth) - {"truth", "task", "image_size"})
    if unknown or "truth" not in truth:
        raise ValueError(
            f"truth: an object has truth, and optionally task and image_size; this one has {', '.join(map(str, truth))}"
        )
    task = truth.get("task")
    if task is not None and not isinstance(task, str):
        raise ValueError(f"task: expected a name, got {task!r}")
    return truth["truth"], task, truth.get("image_size")


def rewards_for(options: Mapping[str, Any], default_task: str | None = None) -> TaskRewards:
    """Return the rewards of these options, made once: frameworks pass the options with every call.

    Raises ValueError as `TaskRewards`, and for options that aren't plain data.
    """
    given = {name: _plain(value) for name, value in options.items() if value is not None}
    if "task" not in given:
        if default_task is None:
            raise ValueError(f"task: missing; expected one of {', '.join(TASKS)}")
        given["task"] = default_task
    try:
        key = json.dumps(given, sort_keys=True)
    except TypeError as error:
        raise ValueError(f"options: expected plain data, {error}") from None
    return _made(key)


@functools.lru_cache(maxsize=64)
def _made(key: str) -> TaskRewards:
    return TaskRewards(**json.loads(key))


def environment_options(extra: Sequence[str] = ()) -> dict[str, Any]:
    """Return the options that the environment gives, for frameworks that take a file and no options for it.

    ``VRFT_REWARD_TASK``, ``_PROFILE``, ``_LABELS``, ``_ALIASES`` (files), ``_SPACE``, ``_TRUTH_SPACE``, ``_FIELDS``
    (a JSON object of profile fields), and those an adapter has besides. Raises ValueError for any other name with
    the prefix: a misspelt option must not be ignored.
    """
    names = {_PREFIX + name.upper(): name for name in (*_OPTIONS, "fields", *extra)}
    options: dict[str, Any] = {}
    for variable, value in os.environ.items():
        if not variable.startswith(_PREFIX) or not value:
            continue
        if variable not in names:
            raise ValueError(f"{variable}: unknown, expected one of {', '.join(names)}{did_you_mean(variable, names)}")
        options[names[variable]] = value
    fields = options.pop("fields", None)
    if fields is not None:
        decoded = _json(fields, _PREFIX + "FIELDS")
        if not isinstance(decoded, dict):
            raise ValueError(f"{_PREFIX}FIELDS: expected a JSON object, got {fields[:80]!r}")
        options.update(decoded)
    return options


def _labels(labels: Sequence[str] | str | None) -> list[str] | None:
    if not isinstance(labels, str):
        return None if labels is None else list(labels)
    return [line.strip() for line in _text(labels, "labels").splitlines() if line.strip()]


def _aliases(aliases: Mapping[str, Sequence[str]] | str | None) -> Mapping[str, Sequence[str]] | None:
    if not isinstance(aliases, str):
        return aliases
    decoded = _json(_text(aliases, "aliases"), f"aliases: {aliases}")
    if not isinstance(decoded, dict):
        raise ValueError(f"aliases: {aliases}: expected a JSON object of lists of names")  # noqa: TRY004
    return decoded


def _text(path: str, field: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"{field}: {path}: {why}") from None


def _json(text: str, field: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{field}: expected JSON, got {text[:80]!r}") from None


def _plain(value: Any) -> Any:
    """Return mappings as dict and sequences (also arrays of arrays, as Parquet gives them) as list."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return [_plain(item) for item in value]
    return value
