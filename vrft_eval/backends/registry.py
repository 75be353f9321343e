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
_WINDOW = 1024


def resolve_backend(name: str) -> str:
    """`auto` is vllm where it is installed and has a GPU, and transformers elsewhere."""
    if name != "auto":
        return name
    if find_spec("vllm") is None:
        return "transformers"
    import torch

    return "vllm" if torch.cuda.is_available() else "transformers"


def load_backend(model: str, generation: Generation) -> Backend:
    """Load a model into the backend that is asked for, in as many processes as are asked for. Raises InputError."""
    name = generation.resolved()
    if generation.workers > 1 and name in ("vllm", "transformers"):
        from vrft_eval.backends.workers import Workers

        return Workers(model, name, generation)
    return BACKENDS[name](model, generation)


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


def _vllm(model: str, generation: Generation) -> Backend:
    if find_spec("vllm") is None:
        raise needed("vllm", "vllm")
    if generation.attention is not None:
        raise InputError("is for transformers; vllm takes its own", field="--attention", value=generation.attention)
    from vrft_eval.backends.vllm_backend import VLLMBackend

    return VLLMBackend(
        find_model(model),
        device=generation.device,
        dtype=generation.dtype,
        batch_size=generation.batch_size or _WINDOW,
        min_pixels=generation.min_pixels,
        max_pixels=generation.max_pixels,
        tensor_parallel=generation.tensor_parallel,
        max_model_len=generation.max_model_len,
        gpu_memory=generation.gpu_memory,
        lora=generation.lora,
    )


def _openai(model: str, generation: Generation) -> Backend:
    for package in ("openai", "tenacity"):
        if find_spec(package) is None:
            raise needed(package, "openai")
    from vrft_eval.backends.openai_backend import OpenAIBackend

    return OpenAIBackend(model, generation.server, min_pixels=generation.min_pixels, max_pixels=generation.max_pixels)


def _ray(model: str, generation: Generation) -> Backend:
    if find_spec("ray") is None:
        raise needed("ray", "ray")
    from vrft_eval.backends.ray_backend import RayBackend

    return RayBackend(model, generation)


BACKENDS: dict[str, Callable[[str, Generation], Backend]] = {
    "vllm": _vllm,
    "transformers": _transformers,
    "ray": _ray,
    "openai": _openai,
}


def needed(package: str, extra: str) -> InputError:
    """What is said when the package that a backend stands on isn't installed."""
    return InputError(f"needs {package}: pip install 'vrft[{extra}]'", field="--backend", value=extra)
