"""What a shell completes after TAB: the names that the options know."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def names(known: Iterable[str]) -> Callable[[], list[str]]:
    """Complete these names."""
    listed = list(known)
    return lambda: listed


def tasks() -> list[tuple[str, str]]:
    """Complete the tasks, with their metrics for shells that show it."""
    from vrft_eval.tasks import TASKS

    return [(name, spec.metric) for name, spec in TASKS.items()]


def backends() -> list[str]:
    """Complete the backends."""
    from vrft_eval.backends.registry import BACKENDS

    return ["auto", *BACKENDS]


def models() -> list[str]:
    """Complete the shipped models; folders are the shell's own matter."""
    return ["demo", "demo:rft", "demo:sft"]


def formats() -> list[tuple[str, str]]:
    """Complete the formats of `export`."""
    from vrft_eval.export.registry import FORMATS

    return [(name, found.what) for name, found in FORMATS.items()]
