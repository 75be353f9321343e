"""Prompts in chunks, so that what is answered is kept; a chunk that fails is taken apart down to the bad prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vrft_eval.backends.protocol import Answer, EngineDied, Prompt
from vrft_eval.errors import InputError, shorten
from vrft_eval.images import load_image

if TYPE_CHECKING:
    from PIL.Image import Image

Loaded = tuple[Prompt, "Image"]
Item = TypeVar("Item")

_THREADS = 8
_SORTED = 2**14
_WORKER_CHUNKS = {"vllm": 1024, "transformers": 64}
_PER_PROMPT = (ValueError, RuntimeError, IndexError, TypeError, KeyError)
"""What a bad prompt makes an engine raise; out of memory is one of torch's RuntimeErrors."""


def in_chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream into lists of `size`; the last may be shorter."""
    stream = iter(items)
    while chunk := list(islice(stream, size)):
        yield chunk


def by_image(prompts: Iterable[Prompt]) -> Iterator[Prompt]:
    """Prompts about one image one after the other, so that what an engine knows of it is used again."""
    # Sorted a stretch at a time, so that a stream of any length is never held as a whole.
    for stretch in in_chunks(prompts, _SORTED):
        yield from sorted(stretch, key=lambda prompt: str(prompt.image))


def image_chunks(prompts: Iterable[Prompt], size: int, most_bytes: int = 2**28) -> Iterator[list[Prompt]]:
    """Cut a stream into lists of at most `size` prompts, and of about `most_bytes` of image files.

    Neighbours that ask about one image stay together, unless they are more than `size`.
    """
    chunk: list[Prompt] = []
    held = 0
    for image, neighbours in groupby(prompts, key=lambda prompt: prompt.image):
        weight = _file_size(image)
        for group in in_chunks(neighbours, size):
            if chunk and (len(chunk) + len(group) > size or held + weight > most_bytes):
                yield chunk
                chunk, held = [], 0
            chunk, held = chunk + group, held + weight
    if chunk:
        yield chunk


def worker_chunk(engine: str, batch_size: int | None) -> int:
    """Prompts that a worker takes at a time, where there are several."""
    if batch_size is None:
        return _WORKER_CHUNKS[engine]
    return batch_size if engine == "vllm" else 4 * batch_size


def _file_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def loaded_chunks(prompts: Iterable[Prompt], size: int) -> Iterator[tuple[list[Loaded], list[Answer]]]:
    """Cut prompts into chunks with their images, decoded in threads one chunk ahead.

    An image is decoded once for the prompts about it in a chunk. A prompt whose image can't be read is an answer with
    the reason instead.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = None
        for chunk in in_chunks(prompts, size):
            images = {path: pool.submit(load_image, path) for path in dict.fromkeys(prompt.image for prompt in chunk)}
            begun = [(prompt, images[prompt.image]) for prompt in chunk]
            if waiting is not None:
                yield _settle(waiting)
            waiting = begun
        if waiting is not None:
            yield _settle(waiting)


def _settle(begun: Sequence[tuple[Prompt, Future[Image]]]) -> tuple[list[Loaded], list[Answer]]:
    good: list[Loaded] = []
    bad: list[Answer] = []
    for prompt, future in begun:
        try:
            good.append((prompt, future.result()))
        except InputError as error:
            bad.append(Answer(prompt.id, None, str(error)))
    return good, bad


def ask_apart(
    items: Sequence[Loaded], ask: Callable[[Sequence[Loaded]], list[Answer]], freed: Callable[[], None] | None = None
) -> Iterator[Answer]:
    """Ask all at once; when that fails ask each half, down to the one prompt that is told as failed.

    One bad prompt, or one chunk too large for the memory, takes no other answer with it. `freed` is called after a
    failure, to give memory back. EngineDied goes through.
    """
    try:
        yield from ask(items)
        return
    except EngineDied:
        raise
    except _PER_PROMPT as error:
        reason = one_line(error)
    if freed is not None:
        freed()
    if len(items) == 1:
        yield Answer(items[0][0].id, None, reason)
        return
    middle = len(items) // 2
    yield from ask_apart(items[:middle], ask, freed)
    yield from ask_apart(items[middle:], ask, freed)


def one_line(error: BaseException) -> str:
    """An error as one line for a journal."""
    return shorten(f"{type(error).__name__}: {' '.join(str(error).split())}", 300)
