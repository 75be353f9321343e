"""How a reward function is called, in the forms that RL frameworks use, and what it returned as a number."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["FORMS", "Call", "Form", "call_target", "recognise"]

Call = Literal["plain", "trl", "verl", "reward"]
TruthForm = Literal["plain", "solution", "json"]

_TRL = frozenset({"prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric", "self"})
_COLUMNS = ("solution", "truth", "ground_truth", "answer", "target", "label", "labels", "box", "boxes")
"""Names under which data sets hold the truth: a function that takes any keyword gets them all."""


@dataclass(frozen=True, slots=True)
class Form:
    """How completions and truths are handed over. ``solution`` wraps the truth in answer tags, as Visual-RFT does."""

    messages: bool = False
    truth: TruthForm = "plain"

    def __str__(self) -> str:
        """Return a few words for the report."""
        return f"completion as {'messages' if self.messages else 'text'}, truth {self.truth}"


FORMS = tuple(Form(messages, truth) for truth in ("plain", "solution", "json") for messages in (False, True))


def recognise(target: object) -> Call:
    """Return the form of a target: by its ``score`` method, or by the names of its parameters.

    Raises ValueError for what can't be called.
    """
    if callable(getattr(target, "score", None)) and not inspect.isfunction(target):
        return "reward"
    if not callable(target):
        raise ValueError(f"expected something to call, got {type(target).__name__}")  # noqa: TRY004
    names = set(_parameters(target))
    if "completions" in names:
        return "trl"
    return "verl" if {"solution_str", "ground_truth"} <= names else "plain"


def _parameters(target: Callable[..., object]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(target).parameters
    except (TypeError, ValueError):
        return {}


def call_target(target: Any, call: Call, form: Form, completion: str, truth: Any) -> tuple[float, bool]:
    """Score one completion. Returns the value and whether the truth was changed by the call.

    Raises TypeError when what came back isn't one number, and whatever the target raises.
    """
    given: Any = _truth(truth, form.truth)
    before = copy.deepcopy(given)
    said: Any = [{"role": "assistant", "content": completion}] if form.messages else completion
    if call == "reward":
        result = target.score(said, given)
    elif call == "trl":
        result = target(**_trl_arguments(target, said, given))
    elif call == "verl":
        offered = {"data_source": "audit", "solution_str": said, "ground_truth": given, "extra_info": {}}
        names = _parameters(target)
        result = target(**{name: value for name, value in offered.items() if name in names})
    else:
        result = target(said, given)
    if inspect.isawaitable(result):
        result = asyncio.run(_awaited(result))
    return _number(result), before != given


async def _awaited(result: Any) -> object:
    return await result


def _trl_arguments(target: Callable[..., object], said: object, truth: object) -> dict[str, object]:
    offered: dict[str, object] = {
        "prompts": [[{"role": "user", "content": "What is in the image?"}]],
        "completions": [said],
        "completion_ids": [[1, 2, 3]],
        "trainer_state": None,
    }
    parameters = _parameters(target)
    arguments = {name: value for name, value in offered.items() if name in parameters}
    columns = [name for name in parameters if name not in _TRL and parameters[name].kind is not _VAR_KEYWORD]
    if any(parameter.kind is _VAR_KEYWORD for parameter in parameters.values()):
        columns += [name for name in _COLUMNS if name not in columns]
    return {**arguments, **{name: [truth] for name in columns if parameters.get(name, _NONE).default is _EMPTY}}


_VAR_KEYWORD = inspect.Parameter.VAR_KEYWORD
_EMPTY = inspect.Parameter.empty
_NONE = inspect.Parameter("none", inspect.Parameter.KEYWORD_ONLY)


def _truth(truth: Any, form: TruthForm) -> Any:
    if form == "plain":
        return copy.deepcopy(truth)
    if form == "json":
        return json.dumps(truth)
    if isinstance(truth, str):
        return f"<answer>{truth}</answer>"
    if not truth:
        return "<answer>No Objects</answer>"
    if not isinstance(truth[0], list):
        return "<answer>({},{}),({},{})</answer>".format(*truth)
    return "<answer>" + str([{"Position": box, "Confidence": 1.0} for box in truth]) + "</answer>"


def _number(result: Any) -> float:
    """Return a result as a float: a number, a list of one, a dict with a score, an object with a value."""
    for _ in range(4):
        if isinstance(result, Mapping):
            key = next((name for name in ("score", "reward", "overall", "value", "rewards") if name in result), None)
            if key is None:
                raise TypeError(
                    f"the result has none of the keys score, reward, overall: {sorted(map(str, result))[:8]}"
                )
            result = result[key]
        elif isinstance(result, (list, tuple)):
            if len(result) != 1:
                raise TypeError(f"expected one value for one completion, got {len(result)}")
            result = result[0]
        elif hasattr(result, "value") and hasattr(result, "parts"):
            result = result.value
        elif result is None or isinstance(result, (str, bytes)):
            raise TypeError(f"expected a number, got {result!r:.80}")
        else:
            return float(result)
    raise TypeError("expected a number, got lists in lists")
