"""Ask a backend, and keep every answer at once: what all stages of a run do."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from vrft_eval.backends.protocol import Answer, Backend, EngineDied, Prompt, Sampling
from vrft_eval.errors import InputError, RunStopped, shorten
from vrft_eval.memory import peak_child_memory_mb, peak_gpu_memory_mb, peak_memory_mb
from vrft_eval.provenance import now
from vrft_eval.runs import Journal
from vrft_eval.session import Session
from vrft_eval.tally import Progress, Tally
from vrft_eval.ticking import every

RESTARTS = 2
HOPELESS = 20
_SYNC_SECONDS = 2.0
_RECORD_SECONDS = 60.0
Measure = Callable[[Answer], tuple[str, float] | None]
"""Takes an answer that just came; returns the headline metric so far and its name."""


class Asking:
    """One session of a run: asks, keeps, counts, starts a dead engine again, and stops what is going wrong.

    `backend` is called when there is something to ask, `record` with the session's numbers every minute and at the end.
    The session stops at `max_failures` failed prompts, and when the first 20 of a stage have all failed.
    """

    def __init__(
        self, backend: Callable[[], Backend], record: Callable[[Session], None], max_failures: int | None = None
    ) -> None:
        self._backend, self._record, self._max_failures = backend, record, max_failures
        self._started = now()
        self._seconds = 0.0
        self._asked = self._answered = self._failed = self._restarts = 0
        self._tokens: dict[str, int] = {}
        self._child_memory: int | None = None

    def ask(
        self,
        prompts: Sequence[Prompt],
        sampling: Sampling,
        journal: Path,
        answers: dict[str, Answer],
        *,
        total: int,
        progress: Progress | None = None,
        measure: Measure | None = None,
    ) -> None:
        """Ask `prompts`, of `total`; every answer is in the journal before the next one is waited for.

        The answers are put into `answers` too. Each is forced to the disk within two seconds. Raises RunStopped when
        the engine has died too often, when too many prompts failed, and when of all the prompts none was answered.
        """
        left = {prompt.id: prompt for prompt in prompts}
        if not left:
            _check_answered(answers)
            return
        there = total - len(left)
        # Answers to prompts that a gate has come to leave out are kept, and don't count.
        before = min(there, sum(answer.completion is None and key not in left for key, answer in answers.items()))
        tally = Tally(total, there - before, before)
        self._asked += len(left)
        with (
            self._timed() as recorded,
            Journal(journal) as stream,
            every(_SYNC_SECONDS, stream.sync) as synced,
            closing(self._answers(left, sampling)) as coming,
        ):
            for answer in coming:
                if left.pop(answer.id, None) is None:
                    continue  # a cluster may give an answer twice: the first one counts
                stream.append(answer)
                synced()
                answers[answer.id] = answer
                self._count(answer)
                tally.add(failed=answer.completion is None, tokens=answer.tokens or 0)
                if progress is not None:
                    tally.headline = None if measure is None else measure(answer)
                    progress(tally)
                if answer.completion is None:
                    self._check_failures(answer, tally.failed - before, len(prompts) - len(left))
                recorded()
        _check_answered(answers)

    def _answers(self, left: Mapping[str, Prompt], sampling: Sampling) -> Generator[Answer, None, None]:
        """Answers to what is left, which the caller makes less; from a new engine when one has died."""
        backend = self._backend()
        while left:
            try:
                yield from backend.answer(list(left.values()), sampling)
            except EngineDied as error:
                if error.alone is not None and error.alone in left:
                    yield Answer(error.alone, None, f"the engine died of it: {_short(error)}")
                if left:
                    self._restart(backend, error)
            else:
                return

    def _restart(self, backend: Backend, died: EngineDied) -> None:
        reason = _short(died)
        if self._restarts == RESTARTS:
            raise RunStopped(f"the engine died again after {RESTARTS} restarts: {reason}") from died
        self._restarts += 1
        try:
            backend.restart()
        except EngineDied as error:
            self._restart(backend, error)
        except InputError as error:
            raise RunStopped(f"the engine died ({reason}) and can't be started again: {error}") from died

    def _count(self, answer: Answer) -> None:
        self._failed += answer.completion is None
        self._answered += answer.completion is not None
        for name in ("prompt_tokens", "cached_tokens", "tokens"):
            value = getattr(answer, name)
            if value is not None:
                self._tokens[name] = self._tokens.get(name, 0) + value

    def _check_failures(self, failure: Answer, failed: int, done: int) -> None:
        if self._failed == self._max_failures:
            raise RunStopped(f"{self._failed} prompts failed (--max-failures); the last: {failure.error}")
        if failed == done == HOPELESS:
            raise RunStopped(f"the first {HOPELESS} prompts all failed; the last: {failure.error}")

    @contextmanager
    def _timed(self) -> Generator[Callable[[], None], None, None]:
        """Add the time of the block to the session's, recorded at its end and by the function that is yielded."""
        began = said = time.monotonic()
        spent = self._seconds

        def record() -> None:
            nonlocal said
            said = time.monotonic()
            self._seconds = spent + said - began
            self._record(self.session())

        def now_and_then() -> None:
            if time.monotonic() - said >= _RECORD_SECONDS:
                record()

        try:
            yield now_and_then
        except BaseException:
            # What stopped the run is to be told, and not that its numbers found no room on the same full disk.
            with suppress(InputError):
                record()
            raise
        record()

    def session(self) -> Session:
        """The numbers so far."""
        done = self._answered + self._failed
        child = peak_child_memory_mb()
        if child is not None:
            self._child_memory = max(self._child_memory or 0, child)
        return Session(
            started=self._started,
            seconds=round(self._seconds, 3),
            asked=self._asked,
            answered=self._answered,
            failed=self._failed,
            prompt_tokens=self._tokens.get("prompt_tokens"),
            cached_prompt_tokens=self._tokens.get("cached_tokens"),
            answer_tokens=self._tokens.get("tokens"),
            prompts_per_second=round(done / self._seconds, 4) if self._seconds else None,
            peak_memory_mb=peak_memory_mb(),
            peak_child_memory_mb=self._child_memory,
            peak_gpu_memory_mb=peak_gpu_memory_mb(),
            restarts=self._restarts,
        )


def _short(error: Exception) -> str:
    return shorten(" ".join(str(error).split()), 300)


def _check_answered(answers: Mapping[str, Answer]) -> None:
    """A run without one answer measures nothing."""
    if answers and all(answer.completion is None for answer in answers.values()):
        first = next(iter(answers.values())).error
        raise RunStopped(f"none of {len(answers)} prompts could be answered; the first: {first}")
