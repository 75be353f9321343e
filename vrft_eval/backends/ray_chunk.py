"""What is sent to a worker of a cluster at a time: prompts, and the bytes of their images."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vrft_eval.backends.protocol import Answer, Prompt
from vrft_eval.errors import InputError
from vrft_eval.files import read_bytes

AHEAD = 2
"""Chunks of a worker at a time: while it works on one the next one is on its way."""


@dataclass(eq=False)
class Chunk:
    """Prompts with a reference to their images, and how many workers died over them."""

    prompts: list[Prompt]
    images: Any
    deaths: int = 0

    @property
    def suspect(self) -> bool:
        """Whether workers may well have died of it, and not beside it."""
        return self.deaths > 1

    @property
    def slots(self) -> int:
        """How many of a worker's places it takes."""
        return AHEAD if self.suspect else 1

    def halves(self) -> list[Chunk]:
        """The same in two."""
        middle = len(self.prompts) // 2
        return [replace(self, prompts=part) for part in (self.prompts[:middle], self.prompts[middle:])]


def pack(
    prompts: list[Prompt], pool: ThreadPoolExecutor, put: Callable[[dict[Path, bytes]], Any]
) -> tuple[Chunk, list[Answer]]:
    """Read the images of prompts, each once, and hand them to Ray; a prompt whose image can't be read is answered."""
    paths = list(dict.fromkeys(prompt.image for prompt in prompts))
    found = dict(zip(paths, pool.map(_read, paths), strict=True))
    images = {path: data for path, data in found.items() if isinstance(data, bytes)}
    good = [prompt for prompt in prompts if prompt.image in images]
    bad = [Answer(prompt.id, None, str(found[prompt.image])) for prompt in prompts if prompt.image not in images]
    return Chunk(good, put(images)), bad


def _read(path: Path) -> bytes | str:
    try:
        return read_bytes(path)
    except InputError as error:
        return str(error)
