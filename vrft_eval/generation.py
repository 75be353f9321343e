"""How answers are made: what the command line says of it, and the one engine that all tasks of a command share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vrft_eval.backends.openai_options import check_server
from vrft_eval.backends.protocol import MAX_TEMPERATURE, Backend, Constraint, Sampling
from vrft_eval.backends.registry import BACKENDS, load_backend, resolve_backend
from vrft_eval.errors import InputError, choice
from vrft_eval.provenance import folder_fingerprint
from vrft_eval.tasks import TaskSpec
from vrft_eval.tasks.constraints import constraint_for

_TOKENS = 1024
_TOKENS_GENERATED = 256
Setting = int | float | str | bool | None


@dataclass(frozen=True)
class Server:
    """An OpenAI-compatible server (backend openai).

    key_variable names the environment variable that holds the key, so that no key is on a command line or in a file.
    timeout is in seconds, of one try. token_budget bounds the tokens, of prompts and answers, that a command may use.
    """

    base_url: str | None = None
    key_variable: str = "OPENAI_API_KEY"
    concurrency: int = 16
    timeout: float = 120.0
    retries: int = 5
    token_budget: int | None = None


@dataclass(frozen=True)
class Generation:
    """Who answers and how. None for max_new_tokens is 1,024 (256 for the generated tasks).

    The first group is what answers depend on; it goes into run.json. The second is where and how fast.
    """

    backend: str = "auto"
    max_new_tokens: int | None = None
    temperature: float = 0.0
    model_defaults: bool = False
    constrain: Literal["json", "regex"] | None = None
    dtype: str = "auto"
    min_pixels: int | None = None
    max_pixels: int | None = None
    lora: Path | None = None

    batch_size: int | None = None
    device: str = "auto"
    attention: str | None = None
    workers: int = 1
    tensor_parallel: int = 1
    max_model_len: int | None = None
    gpu_memory: float = 0.9
    address: str | None = None
    server: Server = field(default_factory=Server)

    def resolved(self) -> str:
        """The backend's name, `auto` decided."""
        return resolve_backend(self.backend)

    @property
    def local(self) -> bool:
        """Whether the model is a folder here, or a Hugging Face name, and not a name on a server."""
        return self.backend != "openai"

    def check(self) -> None:
        """Raise InputError for values that no backend could use."""
        choice(self.backend, ("auto", *BACKENDS), "--backend")
        for name in ("max_new_tokens", "min_pixels", "max_pixels", "batch_size", "workers", "tensor_parallel"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError("must be 1 or more", field=option(name), value=value)
        if not 0 <= self.temperature <= MAX_TEMPERATURE:
            raise InputError(f"must be from 0 to {MAX_TEMPERATURE:g}", field="--temperature", value=self.temperature)
        if self.model_defaults and self.temperature:
            raise InputError("can't be given with --model-defaults", field="--temperature", value=self.temperature)
        if self.min_pixels is not None and self.max_pixels is not None and self.min_pixels > self.max_pixels:
            raise InputError(
                f"is more than --max-pixels {self.max_pixels}", field="--min-pixels", value=self.min_pixels
            )
        if self.constrain is not None:
            choice(self.constrain, ("json", "regex"), "--constrain")
        if self.lora is not None and not (self.lora / "adapter_config.json").is_file():
            raise InputError("holds no LoRA adapter: there is no adapter_config.json in it", file=self.lora)
        if not self.local:
            check_server(self)
        elif self.server.base_url is not None:
            raise InputError("is for --backend openai", field="--base-url")

    def sampling(self, spec: TaskSpec, seed: int) -> Sampling:
        """How answers to a task are drawn."""
        return Sampling(
            self.max_new_tokens or (_TOKENS_GENERATED if spec.generated else _TOKENS),
            self.temperature,
            seed,
            self.model_defaults,
            None if self.constrain is None else constraint_for(spec.kind, self.constrain),
        )

    def settings(self, spec: TaskSpec) -> dict[str, Setting]:
        """What of this the answers depend on, for run.json."""
        sampling = self.sampling(spec, 0)
        found: dict[str, Setting] = {"do_sample": self.temperature > 0}
        if self.temperature:
            found["temperature"] = self.temperature
        if self.model_defaults:
            found["do_sample"] = None
            found["model_defaults"] = True
        found |= {"max_new_tokens": sampling.max_new_tokens, "dtype": self.dtype}
        for name in ("min_pixels", "max_pixels"):
            if getattr(self, name) is not None:
                found[name] = getattr(self, name)
        if self.lora is not None:
            found["lora"] = folder_fingerprint(self.lora)
        if sampling.constraint is not None:
            found |= {"constrain": self.constrain, "constraint": _digest(sampling.constraint)}
        return found


class SharedBackend:
    """One loaded model for all the tasks of a command."""

    def __init__(self, model: str, generation: Generation) -> None:
        self._model = model
        self._generation = generation
        self._loaded: Backend | None = None

    def load(self) -> Backend:
        """The backend, loaded the first time it is needed. Raises InputError."""
        if self._loaded is None:
            self._loaded = load_backend(self._model, self._generation)
        return self._loaded

    def close(self) -> None:
        """Let go of it."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None


def option(name: str) -> str:
    """The command line's name of a field.

    >>> option("max_pixels")
    '--max-pixels'
    """
    return "--" + name.replace("_", "-")


def _digest(constraint: Constraint) -> str:
    return hashlib.sha256(constraint.text.encode()).hexdigest()
