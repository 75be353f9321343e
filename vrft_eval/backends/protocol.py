"""The one protocol between the harness and whoever answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

MAX_TEMPERATURE = 10.0


@dataclass(frozen=True)
class Prompt:
    """One user message: an image and a text."""

    id: str
    image: Path
    text: str


@dataclass(frozen=True)
class Answer:
    """What came back for one prompt: a completion, or the reason why there is none."""

    id: str
    completion: str | None
    error: str | None = None
    finish: Literal["stop", "length"] | None = None
    tokens: int | None = None


class Backend(Protocol):
    """Everything above it (journal, resume, progress, failures) is written once, for every backend."""

    name: str

    def answer(self, prompts: Sequence[Prompt]) -> Iterator[Answer]:
        """Yield one answer per prompt, as they finish; a prompt that fails yields its reason."""
        ...
