"""Prompts in chunks, so that what is answered is kept; a chunk that fails is taken apart down to the bad prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from vrft_eval.backends.protocol import Answer, EngineDied, Prompt
from vrft_eval.errors import InputError, shorten
from vrft_eval.images import load_image

if TYPE_CHECKING:
    from PIL.Image import Image

Loaded = tuple[Prompt, "Image"]
Item = TypeVar("Item")

_THREADS = 8
_PER_PROMPT = (ValueError, RuntimeError, IndexError, TypeError, KeyError)
"""What a bad prompt makes an engine raise; out of memory is one of torch's RuntimeErrors."""


def in_chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream into lists of `size`; the last may be shorter."""
    stream = iter(items)
    while chunk := list(islice(stream, size)):
        yield chunk


def loaded_chunks(prompts: Iterable[Prompt], size: int) -> Iterator[tuple[list[Loaded], list[Answer]]]:
    """Cut prompts into chunks with their images, decoded in threads one chunk ahead.

    A prompt whose image can't be read is an answer with the reason instead.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = None
        for chunk in in_chunks(prompts, size):
            begun = [(prompt, pool.submit(load_image, prompt.image)) for prompt in chunk]
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
