"""Which SAM a folder holds, by its config.json, and how it is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrft_eval.errors import InputError, first_line

DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Family:
    """transformers' classes for one kind of checkpoint.

    `keeps_aspect`: the image's longer side is scaled to the model's size and the rest padded (SAM), instead of
    both sides (SAM 2 and 3).
    """

    name: str
    model: str
    processor: str
    keeps_aspect: bool = False


_SAM2 = Family("SAM 2", "Sam2Model", "Sam2Processor")
_SAM3 = Family("SAM 3", "Sam3TrackerModel", "Sam3TrackerProcessor")

FAMILIES = {
    "sam": Family("SAM", "SamModel", "SamProcessor", keeps_aspect=True),
    # What is published as SAM 2 and SAM 3 are the video models, of which the image model is a part.
    "sam2": _SAM2,
    "sam2_video": _SAM2,
    "sam3_tracker": _SAM3,
    "sam3_video": _SAM3,
}
"""The checkpoints that take box prompts, by config.json's model_type."""


def family_of(path: Path) -> Family:
    """Look into config.json. Raises InputError for a folder that is missing, or holds no SAM with box prompts."""
    kind = _model_type(path)
    if isinstance(kind, str) and kind in FAMILIES:
        return FAMILIES[kind]
    raise InputError(
        f"no SAM checkpoint with box prompts; model_type must be one of {', '.join(FAMILIES)}",
        file=path / "config.json",
        value=kind,
    )


def load(path: Path, family: Family, device: str, dtype: str) -> tuple[Any, Any]:
    """The model, ready to use, and its processor. Raises InputError that names the folder."""
    import torch
    import transformers
    from safetensors import SafetensorError

    classes: Any = transformers
    try:
        processor = getattr(classes, family.processor).from_pretrained(path, local_files_only=True)
        model, info = getattr(classes, family.model).from_pretrained(
            path, local_files_only=True, dtype=getattr(torch, dtype), output_loading_info=True
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, SafetensorError) as error:
        raise InputError(f"broken {family.name} checkpoint: {error}", file=path) from error
    if info["missing_keys"]:  # transformers would go on with random weights
        missing = sorted(info["missing_keys"])
        raise InputError(
            f"broken {family.name} checkpoint: {len(missing)} weights are missing, such as {missing[0]}", file=path
        )
    return model.to(device).eval(), processor


def find_device(name: str) -> str:
    """`auto` is a GPU when there is one. Raises InputError for a device that torch doesn't have."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch raises any of the three
        raise InputError(f"torch can't use this device ({first_line(error)})", field="device", value=name) from None
    return name


def _model_type(path: Path) -> object:
    if not path.is_dir():
        raise InputError("no such folder", file=path)
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no SAM checkpoint: config.json is missing", file=path) from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"can't be read: {error}", file=path / "config.json") from None
    return config.get("model_type") if isinstance(config, dict) else None
