"""What ships with the package: small checkpoints, and the data sets they answer about."""

from __future__ import annotations

from pathlib import Path

CHECKPOINTS = ("rft", "sft", "sam")


def checkpoint(name: str) -> Path:
    """The folder of a shipped checkpoint: `rft` and `sft` are Qwen2-VL models, `sam` is a SAM.

    Raises ValueError for another name, and when the installation lacks the folder.

    >>> checkpoint("rft").name
    'rft'
    """
    if name not in CHECKPOINTS:
        raise ValueError(f"no shipped checkpoint named {name!r}; there are {', '.join(CHECKPOINTS)}")
    folder = Path(__file__).parent / "checkpoints" / name
    if not (folder / "config.json").is_file():
        raise ValueError(f"the shipped checkpoint {name!r} is missing from this installation ({folder})")
    return folder
