"""From what a user says with `--gate` to the gate that a run has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from vrft_eval.errors import InputError, choice
from vrft_eval.gate.exist_map import read_exist_map
from vrft_eval.gate.model_gate import gate_template
from vrft_eval.gate.models import ExistMap, Gate
from vrft_eval.schemas import Settings

NAMES: tuple[Gate, ...] = tuple(name for name in get_args(Gate) if name != "file")


@dataclass(frozen=True)
class GateChoice:
    """A gate by its name, with the exist map and its file, or the question, of those that have one."""

    name: Gate
    exist_map: ExistMap | None = None
    file: Path | None = None
    prompt: str | None = None


def choose_gate(gate: str | None, prompt: str | None = None) -> GateChoice | None:
    """Read `--gate` (none, truth, negatives, recorded, model or an exist map's file) and `--gate-prompt`.

    None stays None: the task's own gate. Raises InputError.
    """
    if prompt is not None and gate != "model":
        raise InputError("is for --gate model only", field="--gate-prompt", value=prompt)
    if gate is None:
        return None
    for name in NAMES:
        if gate == name:
            return GateChoice(name, prompt=gate_template(prompt) if name == "model" else None)
    file = Path(gate)
    if not file.is_file():
        choice(gate, NAMES, "--gate", ", or the file of an exist map")
    return GateChoice("file", read_exist_map(file), file)


def gate_of_run(settings: Settings, exist_map: Path) -> GateChoice | None:
    """The gate that a run was made with; its exist map is read from the run's own copy. Raises InputError."""
    if settings.gate is None:
        return None
    if settings.gate == "file":
        return GateChoice("file", read_exist_map(exist_map), exist_map)
    return GateChoice(settings.gate, prompt=settings.gate_prompt)
