"""Which files are there: learnt by listing each folder once, which is quick on a slow disk too."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vrft_eval.datasets.embedded import Embedded
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings

Missing = Literal["error", "skip"]
State = Literal["there", "absent", "outside"]


class Listing:
    """Says of paths below some root folders whether they are there, or lead out by a symbolic link.

    A root may itself be a link: that is how data folders are put together.
    """

    def __init__(self, roots: Iterable[Path]) -> None:
        self._roots = tuple(root.resolve() for root in roots)
        self._folders: dict[Path, dict[str, bool]] = {}
        self._inside: dict[Path, bool] = {}

    def state(self, path: Path) -> State:
        """`there` for a file inside the roots, `outside` for one that links lead to, else `absent`."""
        names = self._names(path.parent)
        if path.name not in names:
            # A file system that ignores case lists another spelling.
            if not names or not path.is_file():
                return "absent"
            linked = path.is_symlink()
        else:
            linked = names[path.name]
        if not self._is_inside(path.parent):
            return "outside"
        if linked:
            if not path.is_file():
                return "absent"
            return "there" if self._holds(path.resolve()) else "outside"
        return "there"

    def _names(self, folder: Path) -> dict[str, bool]:
        if folder not in self._folders:
            try:
                with os.scandir(folder) as entries:
                    found = {entry.name: entry.is_symlink() for entry in entries if not entry.is_dir()}
            except (FileNotFoundError, NotADirectoryError):
                found = {}
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror or error}", file=folder) from None
            self._folders[folder] = found
        return self._folders[folder]

    def _is_inside(self, folder: Path) -> bool:
        if folder not in self._inside:
            self._inside[folder] = self._holds(folder.resolve())
        return self._inside[folder]

    def _holds(self, real: Path) -> bool:
        return any(real.is_relative_to(root) for root in self._roots)


@dataclass(frozen=True)
class Origin:
    """Where the images of a data set come from.

    roots are the folders that none may leave; unusable are those that are not there (or outside); left_out names
    those that were dropped from the data for it, relative to the first root; embedded are inside a file.
    """

    roots: tuple[Path, ...] = ()
    unusable: frozenset[Path] = frozenset()
    left_out: tuple[str, ...] = ()
    embedded: Embedded | None = None


def look_for(
    paths: Iterable[Path],
    roots: Sequence[Path],
    missing: Missing | None,
    left_out: Sequence[str] | None,
    findings: Findings,
) -> tuple[Origin, frozenset[Path]]:
    """Find the images that are not there; returns the origin and the images to drop from the data.

    `missing` says what absence means: an InputError that counts them, leaving them out (a warning), or (None) nothing.
    Given `left_out`, the names that an earlier run left out, just these are dropped, whatever is on disk. An image
    that a link leads to outside the roots is always an error.
    """
    listing = Listing(roots)
    states = {path: listing.state(path) for path in paths}
    absent = [path for path, state in states.items() if state == "absent"]
    outside = [path for path, state in states.items() if state == "outside"]
    for path in outside:
        error = InputError(f"{path} leads out of the data folder by a symbolic link")
        findings.error("path_outside", error)
    dropped: list[Path] = []
    if left_out is not None:
        names = set(left_out)
        dropped = [path for path in states if _name(path, roots[0]) in names]
    elif missing == "skip":
        dropped = absent
    elif missing == "error" and absent:
        if not findings.collect:
            raise _absent_error(absent, len(states))
        for path in absent:
            findings.see("image_absent", str(path))
    for path in dropped:
        findings.see("image_left_out", str(path))
    if dropped and len(dropped) == len(states):
        raise _absent_error(dropped, len(states))
    names_dropped = tuple(_name(path, roots[0]) for path in dropped)
    return Origin(tuple(roots), frozenset(absent + outside), names_dropped), frozenset(dropped)


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _absent_error(absent: Sequence[Path], total: int) -> InputError:
    if len(absent) == total:
        return InputError(f"none of the {total:,} images is there; say where with --images", file=absent[0].parent)
    more = f" (and {len(absent) - 1:,} more of {total:,})" if len(absent) > 1 else ""
    return InputError(f"no such image{more}; --missing skip leaves out what is not there", file=absent[0])
