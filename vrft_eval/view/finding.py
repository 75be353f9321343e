"""Where runs lie, and whether one is finished."""

from __future__ import annotations

import os
from pathlib import Path

from vrft_eval.errors import InputError

DEEPEST = 4
"""Folders below the one that is viewed, in which runs are looked for."""
_MOST = 1000
_COPYING = 5_000_000_000
"""Nanoseconds: the files of a run that was copied have the times of the copy, in any order."""
_JOURNALS = ("run.json", "responses.jsonl", "gate.jsonl")


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run."""
    return (folder / "run.json").is_file()


def find_runs(folder: Path) -> list[Path]:
    """The runs in a folder, by their names; the folder itself if it is one. Links to folders aren't followed.

    Raises InputError where there is none.
    """
    if is_run(folder):
        return [folder]
    if not folder.is_dir():
        raise InputError("no such folder", file=folder)
    found = []
    for place, names, files in os.walk(folder):
        here = Path(place)
        if "run.json" in files:
            found.append(here)
            names.clear()
        elif len(here.relative_to(folder).parts) >= DEEPEST or len(found) >= _MOST:
            names.clear()
        names.sort()
    if not found:
        raise InputError("holds no run (there is no run.json, here or below)", file=folder)
    return sorted(found)


def finished(run: Path) -> int | None:
    """When the report was made, in nanoseconds, if nothing was answered or begun after it; None while a run goes on."""
    report = _changed(run / "report.html")
    journals = [changed for name in _JOURNALS if (changed := _changed(run / name)) is not None]
    return report if report is not None and all(changed <= report + _COPYING for changed in journals) else None


def last_answer(run: Path) -> float | None:
    """When the last answer came, in seconds as `time.time` has them; None before the first."""
    times = [changed for name in _JOURNALS[1:] if (changed := _changed(run / name)) is not None]
    return max(times) / 1e9 if times else None


def _changed(file: Path) -> int | None:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None
