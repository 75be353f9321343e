"""What runs on a node of a Ray cluster: one engine, and the images that were sent with its prompts."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from vrft_eval.backends.protocol import Answer, Backend, Prompt, Sampling
from vrft_eval.backends.registry import load_backend
from vrft_eval.errors import InputError
from vrft_eval.generation import Generation
from vrft_eval.provenance import find_model, folder_fingerprint, model_fingerprint


@dataclass(frozen=True)
class Identity:
    """What must be the same of all workers, and of the command: else answers would depend on who gave them."""

    version: str
    model: str
    lora: str | None
    engine: str | None = None

    @classmethod
    def here(cls, model: str, generation: Generation, engine: str | None = None) -> Identity:
        """That of this machine. Raises InputError when the model or the adapter isn't on it."""
        if generation.lora is not None and not generation.lora.is_dir():
            raise InputError("no such adapter folder", file=generation.lora)
        lora = None if generation.lora is None else folder_fingerprint(generation.lora)
        return cls(version("vrft"), model_fingerprint(find_model(model)), lora, engine)


@dataclass(frozen=True)
class Report:
    """A worker that is ready: where it runs, and what it has loaded."""

    node: str
    host: str
    process: int
    identity: Identity


class Worker:
    """Made by Ray for each of `--workers`, and again when its process dies; nothing is loaded until `ready`."""

    def __init__(self, model: str, generation: Generation) -> None:
        self._model = model
        self._generation = replace(generation, backend="auto", workers=1, address=None)
        self._backend: Backend | None = None

    def ready(self) -> Report:
        """Load the engine. Raises InputError, naming this host, when it can't be loaded."""
        import ray

        engine = self._load().name
        identity = Identity.here(self._model, self._generation, engine)
        return Report(ray.get_runtime_context().get_node_id(), platform.node(), os.getpid(), identity)

    def answer(self, prompts: Sequence[Prompt], images: Mapping[Path, bytes], sampling: Sampling) -> list[Answer]:
        """Answer prompts whose images are `images`, by the paths that the prompts name them with."""
        with TemporaryDirectory(prefix="vrft-", ignore_cleanup_errors=True) as folder:
            here = {}
            for number, path in enumerate(dict.fromkeys(prompt.image for prompt in prompts)):
                # The order of the names is that of the paths, by which a backend may sort.
                here[path] = Path(folder, f"{number:06}{path.suffix}")
                here[path].write_bytes(images[path])
            named = {str(copy): str(path) for path, copy in here.items()}
            moved = (replace(prompt, image=here[prompt.image]) for prompt in prompts)
            return [_renamed(answer, named) for answer in self._load().answer(moved, sampling)]

    def close(self) -> None:
        """Let go of the engine, and of the processes that it has."""
        if self._backend is not None:
            with suppress(OSError, RuntimeError):
                self._backend.close()
            self._backend = None

    def _load(self) -> Backend:
        if self._backend is None:
            try:
                self._backend = load_backend(self._model, self._generation)
            except InputError as error:
                raise InputError(f"on {platform.node()}: {error}") from None
        return self._backend


def _renamed(answer: Answer, names: Mapping[str, str]) -> Answer:
    """The answer with the paths in its reason as the user knows them."""
    if answer.error is None:
        return answer
    error = answer.error
    for ours, theirs in names.items():
        error = error.replace(ours, theirs)
    return replace(answer, error=error)
