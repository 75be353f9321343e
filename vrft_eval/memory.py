"""How much memory was used at most."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

MEGABYTE = 2**20
_RUSAGE_UNIT = 1 if sys.platform == "darwin" else 1024


def peak_memory_mb() -> int | None:
    """The peak of this process; None on Windows, which doesn't tell."""
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RUSAGE_UNIT // MEGABYTE


def peak_child_memory_mb() -> int | None:
    """The peak of the largest child process that is alive, as an engine is; None where there is no /proc.

    The system's own count of children knows the dead ones only, and takes a short-lived `git`, forked off a process
    that holds a model, for one as large as that.
    """
    if not Path("/proc/self/status").exists():
        return None
    return max(_children(os.getpid()), default=0) // MEGABYTE


def peak_gpu_memory_mb() -> int | None:
    """The peak of what torch allocated on the GPUs of this process; None when it uses none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    used: int = sum(torch.cuda.max_memory_allocated(device) for device in range(torch.cuda.device_count()))
    return used // MEGABYTE


def _children(process: int) -> Iterator[int]:
    """Peaks in bytes of the children of a process, and of theirs."""
    children: dict[int, list[tuple[int, int]]] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = status.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue  # it has ended meanwhile
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        parent, peak = int(fields["PPid"]), int(fields.get("VmHWM", "0 kB").split()[0]) * 1024
        children.setdefault(parent, []).append((int(status.parent.name), peak))
    waiting = [process]
    while waiting:
        for child, peak in children.get(waiting.pop(), []):
            waiting.append(child)
            yield peak
