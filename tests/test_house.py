"""Promises about the repository as a whole: which room may import which, and how large the package is."""

from __future__ import annotations

import ast
import re
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "vrft_rewards": {"vrft_eval", "trainers", "torch", "transformers", "PIL", "typer", "rich"},
    "vrft_eval": {"trainers", "trl", "datasets"},
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("room", FORBIDDEN)
def test_imports_point_one_way(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        assert not imports(path) & FORBIDDEN[room], path


def test_the_rooms_are_where_the_architecture_says() -> None:
    for room in ("vrft_rewards", "vrft_eval", "trainers", "schemas", "tests"):
        assert (ROOT / room).is_dir()
    for package in ("vrft_rewards", "vrft_eval"):
        assert (ROOT / package / "py.typed").is_file()


def test_what_ships_stays_small() -> None:
    """The wheel holds these folders; weights hardly compress, so their sum is the wheel's size."""
    files = [p for room in ("vrft_rewards", "vrft_eval") for p in (ROOT / room).rglob("*") if p.is_file()]
    shipped = [p for p in files if "__pycache__" not in p.parts]
    assert sum(p.stat().st_size for p in shipped) < 30e6
    for name in ("sft", "rft", "sam"):
        folder = ROOT / "vrft_eval" / "demo" / "checkpoints" / name
        assert 0 < sum(p.stat().st_size for p in folder.iterdir()) < 12e6


def test_the_base_dependencies_are_those_of_the_rewards() -> None:
    required = metadata.requires("vrft") or []
    base = {re.split(r"[^\w-]", line)[0] for line in required if "extra ==" not in line}
    assert base == {"numpy", "pydantic", "rapidfuzz", "scipy", "shapely"}
    assert {"eval", "vllm", "ray", "train", "serve", "test"} <= set(
        metadata.metadata("vrft").get_all("Provides-Extra") or []
    )
