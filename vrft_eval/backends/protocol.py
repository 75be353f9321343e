"""The one protocol between the harness and whoever answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

MAX_TEMPERATURE = 10.0


@dataclass(frozen=True)
class Prompt:
    """One user message: an image and a text."""

    id: str
    image: Path
    text: str

    def messages(self, image: dict[str, Any]) -> list[dict[str, Any]]:
        """The chat that is sent, with the image's part in the form its reader wants."""
        return [{"role": "user", "content": [image, {"type": "text", "text": self.text}]}]


@dataclass(frozen=True)
class Constraint:
    """A form that every answer is made to have: `text` is a regular expression, or a JSON Schema as JSON."""

    form: Literal["json", "regex"]
    text: str


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn: greedily at temperature 0, above it from the whole distribution by the seed.

    model_defaults takes temperature, top-p and the like from the checkpoint's own generation_config.json instead.
    """

    max_new_tokens: int = 1024
    temperature: float = 0.0
    seed: int = 0
    model_defaults: bool = False
    constraint: Constraint | None = None

    def seed_of(self, *ids: str) -> int:
        """A seed of 64 bits that depends on the run's seed and on the prompts, not on the order they are asked in."""
        digest = hashlib.sha256(f"{self.seed} {' '.join(ids)}".encode()).digest()
        return int.from_bytes(digest[:8], "big")


@dataclass(frozen=True)
class Answer:
    """What came back for one prompt: a completion, or the reason why there is none.

    tokens are those of the completion; prompt_tokens and the cached ones among them where the engine tells.
    """

    id: str
    completion: str | None
    error: str | None = None
    finish: Literal["stop", "length"] | None = None
    tokens: int | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None


def still_to_ask(answer: Answer | None, retry_failed: bool) -> bool:
    """Whether a prompt is to be asked, by the answer that it has: one that failed stays so unless retried."""
    return answer is None or (retry_failed and answer.completion is None)


class EngineDied(RuntimeError):
    """The engine is gone, with whatever it was working on; `restart` makes a new one.

    alone is the id of the prompt that it was asked alone, if it was, to find the one that ends it.
    """

    def __init__(self, reason: str, alone: str | None = None) -> None:
        super().__init__(reason)
        self.alone = alone


class Backend(Protocol):
    """Everything above it (journal, resume, progress, failures, restarts) is written once, for every backend."""

    name: str

    def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
        """Yield one answer a prompt, as they finish, in any order; a prompt that fails yields its reason.

        Prompts are taken as they are needed. Raises InputError for what no prompt could survive (a server that
        refuses the key) and EngineDied when the engine is gone.
        """
        ...

    def restart(self) -> None:
        """Make the engine again after its death."""
        ...

    def close(self) -> None:
        """Let go of memory, processes and connections."""
        ...
