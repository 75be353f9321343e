"""A bound on the tokens that a command may use: nothing is asked that might go over it."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from anyio import Event

from vrft_eval.errors import RunStopped


@dataclass
class Use:
    """One try of a request: what it came to. Unknown prompt tokens count as the most that it could have used."""

    prompt_tokens: int | None = None
    answer_tokens: int = 0

    def free(self) -> None:
        """The server refused it: nothing was used."""
        self.prompt_tokens = 0


class TokenBudget:
    """Tokens used so far, those that requests in flight may still use, and the limit on both together.

    A prompt's tokens are estimated; the estimate grows to the worst one met. Until a first answer has shown how far
    off it is, requests go one at a time. All coroutines that share a budget run in one event loop.
    """

    def __init__(self, limit: int | None) -> None:
        self.used = 0
        self._limit = limit
        self._promised = 0
        self._worst = 1.0
        self._measured = False
        self._changed = Event()

    @asynccontextmanager
    async def spend(self, prompt_estimate: int, answer_limit: int) -> AsyncIterator[Use]:
        """Wait until a request fits, and count what it used.

        Raises RunStopped when it doesn't fit though nothing is in flight.
        """
        most = await self._promise(prompt_estimate, answer_limit)
        use = Use()
        try:
            yield use
        finally:
            self._promised -= most
            if use.prompt_tokens is None:
                self.used += most
            else:
                self.used += use.prompt_tokens + use.answer_tokens
                if use.prompt_tokens:
                    self._worst = max(self._worst, use.prompt_tokens / prompt_estimate)
                    self._measured = True
            self._changed.set()
            self._changed = Event()

    async def _promise(self, prompt_estimate: int, answer_limit: int) -> int:
        while True:
            most = math.ceil(prompt_estimate * self._worst) + answer_limit
            alone = self._promised == 0
            if self._limit is None or ((self._measured or alone) and self.used + self._promised + most <= self._limit):
                self._promised += most
                return most
            if alone:
                raise RunStopped(
                    f"stopped before the --token-budget of {self._limit:,} was exceeded: {self.used:,} tokens "
                    f"are used, and the next prompt may take {most:,}"
                )
            await self._changed.wait()
