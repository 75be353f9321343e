"""The gate of two-stage detection: which categories of an image are asked for boxes, who said so, and how well."""

from vrft_eval.gate.choose import GateChoice, choose_gate, gate_of_run
from vrft_eval.gate.exist_map import check_exist_map, exist_map_fingerprint, read_exist_map
from vrft_eval.gate.model_gate import ModelGate
from vrft_eval.gate.reading import NamesRead, read_names, read_yes_no
from vrft_eval.gate.stage import GateStage
from vrft_eval.gate.summary import gate_notes, summarise_gate

__all__ = [
    "GateChoice",
    "GateStage",
    "ModelGate",
    "NamesRead",
    "check_exist_map",
    "choose_gate",
    "exist_map_fingerprint",
    "gate_notes",
    "gate_of_run",
    "read_exist_map",
    "read_names",
    "read_yes_no",
    "summarise_gate",
]
