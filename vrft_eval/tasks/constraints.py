"""The forms that `--constrain` can make answers have, one a kind of task."""

from __future__ import annotations

import json
from typing import Any, Literal

from vrft_eval.backends.protocol import Constraint
from vrft_eval.samples import Kind

_THINK = r"<think>[^<>]{1,2000}</think>\s?"
_COORDINATE = r"\d{1,4}"
_BOX = rf"\[{_COORDINATE}(, {_COORDINATE}){{3}}\]"
_CONFIDENCE = r"(0(\.\d{1,3})?|1(\.0{1,3})?)"
_ITEM = rf"\{{'Position': {_BOX}, 'Confidence': {_CONFIDENCE}\}}"
_ANSWERS: dict[Kind, str] = {
    "detection": rf"(\[{_ITEM}(, {_ITEM}){{0,99}}\]|No Objects)",
    "classification": r"[^<>]{1,200}",
    "grounding": rf"{_BOX}",
}


def constraint_for(kind: Kind, form: Literal["json", "regex"]) -> Constraint:
    """The constraint of a kind of task: `regex` is the whole tagged response, `json` a bare answer without thinking."""
    if form == "regex":
        return Constraint("regex", rf"{_THINK}<answer>{_ANSWERS[kind]}</answer>")
    return Constraint("json", json.dumps(_schema(kind)))


def _schema(kind: Kind) -> dict[str, Any]:
    # As many digits as in the regex: a number without end would use up all the tokens that the answer may have.
    number = {"type": "integer", "minimum": 0, "maximum": 9999}
    box = {"type": "array", "items": number, "minItems": 4, "maxItems": 4}
    if kind == "grounding":
        return box
    if kind == "classification":
        return {"type": "string", "minLength": 1, "maxLength": 200}
    item = {
        "type": "object",
        "properties": {"Position": box, "Confidence": {"type": "number", "minimum": 0, "maximum": 1}},
        "required": ["Position", "Confidence"],
        "additionalProperties": False,
    }
    return {"type": "array", "items": item, "maxItems": 100}
