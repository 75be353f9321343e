"""Backends by name, each imported only when it is asked for: none needs what another one needs."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from vrft_eval.backends.protocol import Backend
from vrft_eval.errors import InputError
from vrft_eval.provenance import find_model

if TYPE_CHECKING:
    from vrft_eval.generation import Generation

_BATCH = 16


def resolve_backend(name: str) -> str:
    """`auto` is vllm where it is installed and has a GPU, and transformers elsewhere."""
    if name != "auto":
        return name
    if find_spec("vllm") is None:
        return "transformers"
    import torch

    return "vllm" if torch.cuda.is_available() else "transformers"


def load_backend(model: str, generation: Generation) -> Backend:
    """Load a model into the backend that is asked for. Raises InputError."""
    return BACKENDS[generation.resolved()](model, generation)


def _transformers(model: str, generation: Generation) -> Backend:
    from vrft_eval.backends.transformers_backend import TransformersBackend

    return TransformersBackend(
        find_model(model),
        device=generation.device,
        dtype=generation.dtype,
        batch_size=generation.batch_size or _BATCH,
        min_pixels=generation.min_pixels,
        max_pixels=generation.max_pixels,
        lora=generation.lora,
        attention=generation.attention,
    )


def _openai(model: str, generation: Generation) -> Backend:
    for package in ("openai", "tenacity"):
        if find_spec(package) is None:
            raise needed(package, "openai")
    from vrft_eval.backends.openai_backend import OpenAIBackend

    return OpenAIBackend(model, generation.server, min_pixels=generation.min_pixels, max_pixels=generation.max_pixels)


BACKENDS: dict[str, Callable[[str, Generation], Backend]] = {
    "transformers": _transformers,
    "openai": _openai,
}


def needed(package: str, extra: str) -> InputError:
    """What is said when the package that a backend stands on isn't installed."""
    return InputError(f"needs {package}: pip install 'vrft[{extra}]'", field="--backend", value=extra)
