"""One small file per RL framework: its calling convention on one side, our rewards on the other."""

from __future__ import annotations

from pathlib import Path

from vrft_rewards.nearest import did_you_mean

__all__ = ["FILES", "path_of"]

FILES = {
    "easyr1": "easyr1.py",
    "ms-swift": "ms_swift/vrft_plugin.py",
    "nemo-rl": "nemo_rl.py",
    "openrlhf": "openrlhf.py",
    "trl": "trl.py",
    "verifiers": "verifiers.py",
    "verl": "verl.py",
}
"""The adapter of each framework, relative to this folder."""


def path_of(framework: str) -> Path:
    """Return the absolute path of a framework's adapter, for configurations that want a file.

    Raises ValueError for an unknown framework.

    >>> path_of("verl").name
    'verl.py'
    """
    if framework not in FILES:
        known = f"{', '.join(FILES)}{did_you_mean(framework, FILES)}"
        raise ValueError(f"framework: unknown framework {framework!r}, expected one of {known}")
    return Path(__file__).resolve().parent / FILES[framework]
