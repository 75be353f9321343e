"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

from vrft_eval.console import err
from vrft_eval.tally import Progress, Stages, Tally
from vrft_eval.ticking import every

_STEPS = 4
_SILENCE = 60.0


def stages(label: str) -> Stages:
    """Progress of each stage of a run, named after the run and the stage."""
    return lambda stage: progress_of(f"{label}: {stage}" if stage else label)


@contextmanager
def progress_of(label: str) -> Iterator[Progress]:
    """Show one piece of work under its name. Yields what its tally is given to, again and again."""
    if err.is_terminal:
        name = TextColumn("{task.description}", table_column=Column(no_wrap=True))
        with Bar(name, BarColumn(14), _Words(), console=err, transient=True, expand=True) as bar:
            task = bar.add_task(label, total=None, tally=None)
            yield lambda tally: bar.update(task, total=tally.total, completed=tally.done, tally=tally)
        return
    lines = _Lines(label)
    with every(1.0, lines.say_after_silence):
        yield lines.show


class _Words(ProgressColumn):
    """What a tally says of itself, cut where the terminal ends."""

    def __init__(self) -> None:
        super().__init__(table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1))

    def render(self, task: Task) -> Text:
        tally: Tally | None = task.fields["tally"]
        return Text("" if tally is None else tally.words(), "red" if tally and tally.failed else "")


class _Lines:
    """One line each quarter of the way, and each minute without one."""

    def __init__(self, label: str) -> None:
        self._label, self._tally, self._step = label, Tally(0), 0
        self._spoke = time.monotonic()

    def show(self, tally: Tally) -> None:
        self._tally = tally
        step = _STEPS * tally.done // max(tally.total, 1)
        if step > self._step:
            self._step = step
            self._say()

    def say_after_silence(self) -> None:
        if time.monotonic() - self._spoke >= _SILENCE:
            self._say()

    def _say(self) -> None:
        self._spoke = time.monotonic()
        err.print(Text(f"{self._label}: {self._tally.words()}"), soft_wrap=True)
