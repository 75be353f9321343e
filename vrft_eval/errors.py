"""The one error a user's input can cause, and the end of a run before it is done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from vrft_rewards.nearest import did_you_mean

_NOT_GIVEN = object()


class InputError(ValueError):
    """Something the user gave is wrong; the message names the file, the line, the field and the value.

    `detail` is the message without the file, `hint` ends it as it is.

    >>> print(InputError("must be positive", file="a.json", line=3, field="images[0].width", value=-1))
    a.json:3: images[0].width: must be positive, got -1
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        field: str | None = None,
        value: Any = _NOT_GIVEN,
        hint: str = "",
    ) -> None:
        place = "" if file is None else f"{file}{'' if line is None else f':{line}'}: "
        named = "" if field is None else f"{field}: "
        got = ("" if value is _NOT_GIVEN else f", got {shorten(repr(value))}") + hint
        super().__init__(f"{place}{named}{message}{got}")
        self.detail = f"{'' if line is None else f'line {line}: '}{named}{message}{got}"
        self.file = None if file is None else Path(file)
        self.line = line
        self.field = field


class RunStopped(Exception):
    """A run ended before it was done; what it had answered is kept. `code` is the exit code of the command."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def first_line(error: BaseException) -> str:
    """What another library's exception says, in a line: its first that isn't empty, or its name where it says nothing.

    >>> first_line(ValueError("\\nno such device\\nstack: ..."))
    'no such device'
    >>> first_line(KeyError())
    'KeyError'
    """
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def shorten(text: str, limit: int = 80) -> str:
    """Cut a text for a message.

    >>> shorten("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


Name = TypeVar("Name", bound=str)


def choice(value: str, known: Iterable[Name], field: str, more: str = "") -> Name:
    """The one of the known names that a value is. Raises InputError that lists them, and the nearest.

    >>> choice("cscv", ["csv", "latex"], "--to")
    Traceback (most recent call last):
    vrft_eval.errors.InputError: --to: must be one of csv, latex, got 'cscv'; did you mean csv?
    """
    names = list(known)
    for name in names:
        if name == value:
            return name
    message = f"must be one of {', '.join(names)}{more}"
    raise InputError(message, field=field, value=value, hint=did_you_mean(value, names))


def nearest(name: str, known: Sequence[str]) -> str:
    """Say which known names are nearest to an unknown one, or all of them when there are few.

    >>> nearest("cocoo", ["coco", "shapes-detection", "grounding"])
    'did you mean coco?'
    """
    close = did_you_mean(name, known).removeprefix("; ")
    if close:
        return close
    listed = ", ".join(list(known)[:20])
    return f"known are {listed}{', …' if len(known) > 20 else ''}"
