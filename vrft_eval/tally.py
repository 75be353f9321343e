"""How far a piece of work is, how fast it goes, and when it will be done."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

_WINDOW = 60.0
_GRAIN = 0.5


@dataclass
class Tally:
    """Counts of one stage of a run: all, answered, failed; tokens answered; the headline metric so far, if any.

    Rates are over the last minute or, where answers come in larger lumps, over the last lump.
    """

    total: int
    answered: int = 0
    failed: int = 0
    tokens: int = 0
    headline: tuple[str, float] | None = None
    clock: Callable[[], float] = time.monotonic
    _latest: float = field(init=False)
    _marks: deque[tuple[float, int, int]] = field(init=False)

    def __post_init__(self) -> None:
        self._latest = self.clock()
        self._marks = deque([(self._latest, self.done, 0)])

    @property
    def done(self) -> int:
        """Answered and failed ones, those of earlier sessions too."""
        return self.answered + self.failed

    def add(self, *, failed: bool = False, tokens: int = 0) -> None:
        """Count one more."""
        self.failed += failed
        self.answered += not failed
        self.tokens += tokens
        self._latest = now = self.clock()
        marks = self._marks
        if len(marks) > 1 and now - marks[-1][0] < _GRAIN:
            # What comes at once is one lump: its mark holds the whole of it.
            marks[-1] = (marks[-1][0], self.done, self.tokens)
            return
        marks.append((now, self.done, self.tokens))
        while len(marks) > 2 and marks[1][0] <= now - _WINDOW:
            marks.popleft()

    def rates(self) -> tuple[float, float]:
        """Prompts and tokens a second; zeros before the first one is done."""
        since, done, tokens = self._marks[0]
        seconds = self._latest - since
        if seconds <= 0:
            return 0.0, 0.0
        return (self.done - done) / seconds, (self.tokens - tokens) / seconds

    def left(self) -> float | None:
        """Seconds until all is done at this rate; None before there is one."""
        rate = self.rates()[0]
        return (self.total - self.done) / rate if rate else None

    def words(self) -> str:
        """All of it in one line, what matters most first: the end may be cut.

        >>> ticks = iter([0.0, 2.0, 4.0])
        >>> tally = Tally(10, clock=lambda: next(ticks))
        >>> tally.add(tokens=80)
        >>> tally.add(failed=True)
        >>> tally.words()
        '2 of 10, 0:00:16 left, 1 failed, 0.5/s, 20 tokens/s'
        """
        rate, tokens = self.rates()
        left = self.left()
        parts = [f"{self.done} of {self.total}"]
        if left is not None and self.done < self.total:
            parts.append(f"{as_clock(left)} left")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.headline is not None:
            parts.append(f"{self.headline[0]} {self.headline[1]:.3f}")
        if rate:
            parts.append(f"{rate:.{0 if rate >= 100 else 1 if rate >= 0.1 else 3}f}/s")
        if tokens:
            parts.append(f"{tokens:.0f} tokens/s")
        return ", ".join(parts)


def as_clock(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> as_clock(3725.4)
    '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


Progress = Callable[[Tally], None]
"""Shows a tally; called after each answer."""
Stages = Callable[[str], AbstractContextManager[Progress]]
"""Shows the progress of one stage of a run, by its name ('' where a run has only one)."""
