"""What of which data is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vrft_eval.datasets.presence import Missing


@dataclass(frozen=True)
class LoadOptions:
    """Where the data lies, what of it is taken, and how many images of it are drawn with which seed.

    categories are names (None: those of the task); labels the classes' names in the order of their numbers. missing
    says what an absent image means (None: nothing, answers are recorded already), and left_out names the images that
    an earlier run left out, which then are left out again whatever is on disk. Images that lie inside a file of many
    are written below `unpacked` when they are needed.
    """

    data: Path | None
    annotations: Path | None = None
    images: Path | None = None
    limit: int | None = None
    seed: int = 0
    split: str | None = None
    categories: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    missing: Missing | None = None
    left_out: tuple[str, ...] | None = None
    unpacked: Path | None = None
