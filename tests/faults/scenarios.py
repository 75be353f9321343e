"""Faults of a run, each made for real, and what they cost: answers lost, and prompts asked although they were answered.

Every scenario runs the shipped checkpoint over generated images in a process of its own, does something to it, and lets
the same command continue. What reached the backend is noted on the way (`noted.py`), not assumed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from faults.fault_helpers import ROOT, lines
from faults.noted import noted
from vrft_eval.cli import app
from vrft_eval.demo.data import write_dataset

IMAGES = 12
_SOME = 4
_NOTED = str(Path(__file__).with_name("noted.py"))
_GIGABYTE = 2**30
Event = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """One line of the table; lost and asked_twice are to be 0."""

    fault: str
    made: str
    before: int
    after: int
    lost: int
    asked_twice: int
    code: int
    said: str

    def markdown(self) -> str:
        """The line in Markdown."""
        cells = (self.fault, self.made, self.before, self.after, self.lost, self.asked_twice, self.code)
        return "| " + " | ".join(map(str, cells)) + " |"


HEAD = (
    "| fault | how it was made | answers before | after | lost | asked twice | exit code |\n"
    "|---|---|---|---|---|---|---|"
)


@dataclass
class Session:
    """One process of the command: its notes, its exit code, the errors it said."""

    events: list[Event]
    code: int
    said: str

    def twice(self, answered: Sequence[str]) -> int:
        """How many prompts reached the backend although they were answered, before the session or in it."""
        known, count = set(answered), 0
        for event, key in self.events:
            count += event == "asked" and key in known
            if event == "answered":
                known.add(key)
        return count


class Run:
    """A run folder with its data, on which a scenario plays."""

    def __init__(self, folder: Path) -> None:
        self.data, self.out = folder / "data", folder / "run"
        self.journal = self.out / "responses.jsonl"
        write_dataset("shapes-classification", self.data, IMAGES, seed=0)
        self.images = sorted(path for path in self.data.rglob("*.png"))

    def command(self, *more: object) -> list[str]:
        """One prompt a batch: how many are padded together must not be able to change an answer."""
        given = ("--model", "demo", "--data", self.data, "--out", self.out, "--device", "cpu", "--batch-size", 1, *more)
        return ["run", "classification", *map(str, given)]

    def apart(
        self,
        *more: object,
        at: int = _SOME,
        do: Callable[[subprocess.Popen[str]], None] | None = None,
        fault: str = "none",
        limits: Callable[[], None] | None = None,
    ) -> Session:
        """Run the command in a process of its own; once `at` answers are kept, `do` something to it."""
        reading, writing = os.pipe()
        whole = [sys.executable, _NOTED, str(writing), fault, str(at), *self.command(*more)]
        process = subprocess.Popen(
            whole,
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[writing],
            preexec_fn=limits,
        )
        os.close(writing)
        events: list[Event] = []
        with process, os.fdopen(reading, encoding="utf-8") as notes:
            for line in notes:
                event, _, key = line.rstrip("\n").partition(" ")
                events.append((event, key))
                if do is not None and sum(known == "answered" for known, _ in events) == at:
                    do(process)
                    do = None
            errors = process.stderr.read() if process.stderr is not None else ""
        return Session(events, process.returncode, _errors(errors))

    def here(self, *more: object) -> Session:
        """Run the command in this process."""
        events: list[Event] = []
        with noted(lambda event, key: events.append((event, key))):
            result = CliRunner().invoke(app, self.command(*more))
        return Session(events, result.exit_code, _errors(result.stderr))

    def answered(self) -> dict[str, bytes]:
        """Whole lines of the journal that hold an answer, by id."""
        whole = [line for line in lines(self.journal) if line.endswith(b"\n")]
        rows = [(json.loads(line), line) for line in whole]
        answered = [(row["id"], line) for row, line in rows if row["completion"] is not None]
        assert len(dict(answered)) == len(answered), "an answer is in the journal twice"
        return dict(answered)

    def row(
        self, fault: str, made: str, first: Session, before: dict[str, bytes] | None = None, last: Session | None = None
    ) -> Row:
        """What came of it: `before` is the journal when the first session had ended.

        Where that session outlived the fault (None) its own notes say what was answered.
        """
        after = self.answered()
        noted = {key for event, key in first.events if event == "answered"}
        known = dict.fromkeys(noted) if before is None else before
        lost = sum(key not in after or line not in (None, after[key]) for key, line in known.items())
        twice = first.twice(()) + (0 if last is None else last.twice(list(known)))
        return Row(fault, made, len(known), len(after), lost, twice, first.code, first.said)


def _errors(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "error: " in line)


def _signalled(run: Run, number: signal.Signals, fault: str, made: str) -> Row:
    first = run.apart(do=lambda process: process.send_signal(number))
    before = run.answered()
    return run.row(fault, made, first, before, run.here())


def killed(run: Run) -> Row:
    return _signalled(run, signal.SIGKILL, "kill -9", f"SIGKILL after {_SOME} answers")


def terminated(run: Run) -> Row:
    return _signalled(run, signal.SIGTERM, "SIGTERM", f"SIGTERM after {_SOME} answers")


def interrupted(run: Run) -> Row:
    return _signalled(run, signal.SIGINT, "Ctrl-C", f"SIGINT after {_SOME} answers")


def torn(run: Run) -> Row:
    first = run.apart(do=lambda process: process.kill())
    whole = lines(run.journal)
    run.journal.write_bytes(b"".join(whole[:-1]) + whole[-1][: len(whole[-1]) // 2])
    before = run.answered()
    return run.row("torn last line", "SIGKILL, then half of the journal's last line cut off", first, before, run.here())


def full_disk(run: Run) -> Row:
    import resource

    run.apart(do=lambda process: process.kill())
    # The journal's size and a bit more: the next line is cut short. run.json, which is written anew, must still fit.
    content = run.journal.read_bytes()
    filled = content.replace(b"\n", b" " * 8192 + b"\n", 1)
    run.journal.write_bytes(filled)
    space, earlier = len(filled) + 40, list(run.answered())
    first = run.apart(limits=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (space, space)))
    before = run.answered()
    row = run.row("disk full", "RLIMIT_FSIZE: the next line is cut short, then refused", first, before, run.here())
    assert first.twice(earlier) == 0
    return row


def second_process(run: Run) -> Row:
    refused: list[Session] = []

    def start_another(process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGSTOP)
        refused.append(run.here())
        process.send_signal(signal.SIGCONT)

    first = run.apart(do=start_another)
    (other,) = refused
    assert first.code == 0, first.said
    row = run.row("second process", "the same command, while the first one is at it", first)
    return Row(
        row.fault, row.made, _SOME, row.after, row.lost, row.asked_twice + other.twice([]), other.code, other.said
    )


def out_of_memory(run: Run) -> Row:
    import resource

    # Attention over the image's 20,000 patches, written out in full, is 6.7 GB in one piece: torch can't have it.
    Image.new("RGB", (2000, 2000), "teal").save(run.images[3])
    space = 6 * _GIGABYTE
    first = run.apart(
        *("--attention", "eager", "--max-pixels", 5_000_000, "--batch-size", 4),
        limits=lambda: resource.setrlimit(resource.RLIMIT_AS, (space, space)),
    )
    (failure,) = [row for row in map(json.loads, lines(run.journal)) if row["completion"] is None]
    assert "can't allocate memory" in failure["error"], failure
    made = "RLIMIT_AS, and an image too large for it in one of three batches"
    return run.row("out of memory", made, first)


def engine_death(run: Run) -> Row:
    first = run.apart("--workers", 2, fault="worker")
    assert ("restarted", "") in first.events
    kept = [event for event, _ in first.events[: first.events.index(("restarted", ""))]].count("answered")
    row = run.row("engine death", "SIGKILL to one of two worker processes", first)
    return Row(row.fault, row.made, kept, row.after, row.lost, row.asked_twice, row.code, row.said)


def _broken(run: Run) -> dict[Path, bytes]:
    whole = {path: path.read_bytes() for path in run.images[6:10]}
    for path, content in whole.items():
        path.write_bytes(content[: len(content) // 2])
    return whole


def max_failures(run: Run) -> Row:
    _broken(run)
    first = run.apart("--max-failures", 2)
    before = run.answered()
    return run.row("too many failures", "four broken images, --max-failures 2", first, before, run.here())


def retry_failed(run: Run) -> Row:
    whole = _broken(run)
    first = run.here()
    before = run.answered()
    for path, content in whole.items():
        path.write_bytes(content)
    idle = run.here()
    assert not idle.events, "what failed is asked again only when it is wished"
    return run.row(
        "failed samples", "four broken images, mended, --retry-failed", first, before, run.here("--retry-failed")
    )


Scenario = Callable[[Run], Row]
SCENARIOS: tuple[Scenario, ...] = (
    killed,
    terminated,
    interrupted,
    torn,
    full_disk,
    second_process,
    out_of_memory,
    engine_death,
    max_failures,
    retry_failed,
)
