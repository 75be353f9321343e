"""Ask a backend, and keep every answer at once: what all stages of a run do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from vrft_eval.backends.protocol import Answer, Backend, Prompt, Sampling
from vrft_eval.errors import InputError
from vrft_eval.runs import Journal

_SYNC_EVERY = 16
Progress = Callable[[int, int, int], None]
"""Called with (answered, failed, all) after each answer."""
Stages = Callable[[str], AbstractContextManager[Progress]]
"""Shows the progress of one stage of a run, by its name ('' where a run has only one)."""


def ask(
    backend: Backend,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    journal: Path,
    answers: dict[str, Answer],
    *,
    total: int,
    progress: Progress | None = None,
) -> None:
    """Ask `prompts`, the last of `total`; every answer is in the journal before the next one is waited for.

    The answers are put into `answers` too. Raises InputError when not one prompt could be answered, with the first
    reason.
    """
    if not prompts:
        return
    done, failed = total - len(prompts), 0
    first: str | None = None
    with Journal(journal) as stream:
        for count, answer in enumerate(backend.answer(prompts, sampling), start=1):
            stream.append(answer)
            answers[answer.id] = answer
            if answer.completion is None:
                failed, first = failed + 1, first or answer.error
            if count % _SYNC_EVERY == 0:
                stream.sync()
            if progress is not None:
                progress(done + count - failed, failed, total)
    if failed == len(prompts) == total:
        raise InputError(f"none of {failed} prompts could be answered; the first: {first}")
