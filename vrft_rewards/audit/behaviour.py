"""What a reward does with any text at all: numbers, bounds, time, threads, repetition, pickling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .ask import Asker
from .kit import Kit, Scene
from .types import Case, Finding, Reply, Timing
from .writer import Writer

__all__ = ["SIZES", "broken", "hostile_cases", "repeatable", "timings"]

SIZES = (4_096, 16_384, 65_536, 262_144)
"""Characters of the texts that are timed, each four times the one before."""

_GROWTH = 1.6
"""Time that grows faster than size ** this is a finding: 1 is linear, 2 quadratic."""
_NOTICEABLE = 0.2
"""Seconds below which growth isn't judged."""
_TOO_LONG = 2.0
"""Seconds after which no larger text is tried."""

_HOSTILE: tuple[str, ...] = (
    "\ud800",
    "\0" * 20,
    "\u202e[1, 2, 3, 4]",
    "[" * 5_000,
    "{'Position': " * 2_000,
    "(" * 3_000 + ")" * 3_000,
    "[" + "9" * 5_000 + ", 1, 2, 3]",
    "[1e999, 0, 1, 1]",
    "[NaN, 0, 1, 1]",
    "[{'Position': [0, 0, 1, 1], 'Confidence': NaN}]",
    "[{'Position': [0, 0, 9, 9], 'Confidence': " + "9" * 400 + "}]",
    "[{'Position': [0, 0, 9, 9]}, {'Confidence': 1}]",
    "[{'Position': [1, 2, 3], 'Confidence': 1}]",
    "[{'Position': {'x': 1}, 'Confidence': {}}]",
    "[{'Position': 'a', 'Confidence': None}]",
    "[{}, [], None, 1]",
    "[1, 2, 3",
    "１２,３４,５６,７８",
    "[0x10, 0, 1, 1]",
    "[1_0, 0, 20, 20]",
    "__import__('os').getcwd()",
    "'" * 99,
    "\\" * 99,
    "null",
    "0",
    "-1e-999",
    "rose" * 3_000,
)

_TIMED: tuple[tuple[str, Callable[[int], str]], ...] = (
    ("unclosed answers", lambda n: "<answer>" * (n // 8)),
    ("closes again and again", lambda n: "<think>" + "</think><answer></answer>" * (n // 25) + "x"),
    ("closes and spaces", lambda n: "<think>a</think>" + " " * n + "<answer>"),
    ("open brackets", lambda n: "<think>a</think><answer>" + "[" * n + "</answer>"),
    ("digits", lambda n: "<think>a</think><answer>[" + "1" * n + ", 2, 3, 4]</answer>"),
    ("quotes", lambda n: "<think>a</think><answer>" + "'label': '" * (n // 10) + "</answer>"),
    ("boxes", lambda n: f"<think>a</think><answer>[{', '.join(_items(n // 54))}]</answer>"),
    ("words", lambda n: "<think>a</think><answer>" + "rose " * (n // 5) + "</answer>"),
)


def _items(count: int) -> list[str]:
    # All different, so that whoever compares each with all before it has to do so.
    rows = ([x := n % 99 * 10, y := n // 99 % 99 * 10, x + 9, y + 9] for n in range(count))
    return [f"{{'Position': {row}, 'Confidence': 0.5}}" for row in rows]


def hostile_cases(kit: Kit) -> list[Case]:
    """Return texts that break parsers, as answers and as whole completions."""
    scenes: Sequence[Scene] = (kit.scenes[0], kit.scenes[-1])
    say = Writer(kit.writer.dialect).say
    return [Case(text, scene.truth) for bad in _HOSTILE for text in (say(bad), bad) for scene in scenes]


_SAYS = {
    "raises": "the function raises: the framework counts 0 without a word, or stops",
    "not-finite": "the reward isn't a finite number: it makes the advantages of its whole group NaN",
    "no-number": "what comes back isn't one number",
    "hangs": "the function didn't return in time: the training waits",
    "dies": "the process ended: the training ends",
}


def broken(asked: Sequence[tuple[Case, Reply]], bounds: tuple[float, float] | None) -> list[Finding]:
    """Return one finding for each way in which answers got no number, or one outside the bounds."""
    found: dict[str, list[tuple[Case, Reply]]] = {}
    for case, reply in asked:
        if reply.error in _SAYS:
            found.setdefault(reply.error, []).append((case, reply))
        elif reply.value is not None and bounds and not bounds[0] - 1e-9 <= reply.value <= bounds[1] + 1e-9:
            found.setdefault("out-of-bounds", []).append((case, reply))
        if reply.changed_truth:
            found.setdefault("changes-truth", []).append((case, reply))
    findings = []
    for name, hits in found.items():
        case, reply = hits[0]
        details = list(dict.fromkeys(hit.detail for _, hit in hits))
        text = _SAYS.get(name, "the truth was changed by scoring: the next answer is held against another one")
        if name == "out-of-bounds" and bounds:
            text = f"values outside the declared bounds {bounds[0]:g} to {bounds[1]:g}"
            details = [f"{hit.value:g}" for _, hit in hits]
        explanation = f"{text} ({'; '.join(details[:3])})" if any(details) else text
        findings.append(
            Finding(name, "high", case.completion, case.truth, None, reply.value, explanation, variants=len(hits))
        )
    return findings


def timings(asker: Asker, truth: Any, sizes: Sequence[int] = SIZES) -> tuple[list[Timing], list[Finding]]:
    """Time hostile texts of growing size. Returns the times and a finding for each that grows too fast."""
    table: list[Timing] = []
    findings: list[Finding] = []
    for name, make in _TIMED:
        seconds: dict[int, float | None] = {}
        for size in sizes:
            reply = asker.do("score", [Case(make(size), truth)])[0]
            if reply.error == "skipped":
                break
            seconds[size] = None if reply.error in ("hangs", "dies") else reply.seconds
            if reply.error in ("hangs", "dies") or reply.seconds > _TOO_LONG:
                break
        table.append(Timing(name, seconds))
        example = make(min(sizes))[:200]
        last = max(seconds, default=0)
        if last and seconds[last] is None:
            text = f"{_SAYS['hangs']}: {last:,} characters of {name}"
            findings.append(Finding("slow-text", "high", example, truth, None, None, text))
        elif last and _growth(seconds) > _GROWTH and _again(asker, make, truth, last, seconds):
            growth = f"time grows as size^{_growth(seconds):.1f}"
            text = f"{last:,} characters of {name} take {seconds[last]:.2f} s, and {growth}"
            findings.append(Finding("slow-text", "high", example, truth, None, None, text))
    return table, findings


def _growth(seconds: dict[int, float | None]) -> float:
    """Return the exponent of time over size between the last two sizes; 0 where time is too short to tell."""
    (small, before), (large, after) = ([(0, None), *seconds.items()])[-2:]
    if before is None or after is None or after < _NOTICEABLE:
        return 0.0
    return math.log(after / max(before, 1e-4)) / math.log(large / small)


def _again(asker: Asker, make: Callable[[int], str], truth: Any, size: int, seconds: dict[int, float | None]) -> bool:
    """Measure the largest once more: a busy machine may have slowed it."""
    reply = asker.do("score", [Case(make(size), truth)])[0]
    seconds[size] = min(reply.seconds, seconds[size] or reply.seconds)
    return reply.error is not None or _growth(seconds) > _GROWTH


def repeatable(asker: Asker, fresh: Asker, cases: Sequence[Case]) -> list[Finding]:
    """Ask again: in the same process, backwards in another one, from threads, and of a pickled copy."""
    first = asker.scores(cases)
    findings = []
    again = [asker.do("score", [case])[0] for case in cases]
    other = [fresh.do("score", [case])[0] for case in reversed(cases)][::-1]
    threads = asker.do("threads", cases)
    copies = asker.do("pickle", cases)
    for name, what, replies in (
        ("not-deterministic", "the same answer earned something else the second time", again),
        ("not-deterministic", "the same answer earned something else in another process, in another order", other),
        ("not-thread-safe", "scored from several threads at once, the same answer earned something else", threads),
        ("not-picklable", "the function can't be sent to another process", copies),
    ):
        for index, reply in enumerate(replies):
            expected, case = first[index % len(cases)], cases[index % len(cases)]
            if "skipped" in (reply.error, expected.error) or (reply.value, reply.error) == (
                expected.value,
                expected.error,
            ):
                continue
            explanation = f"{what} ({reply.detail})" if reply.detail else what
            findings.append(
                Finding(name, "medium", case.completion, case.truth, expected.value, reply.value, explanation)
            )
            break
    return findings
