"""Several engines on this machine, each in a process of its own, on GPUs of its own."""

from __future__ import annotations

import multiprocessing
import multiprocessing.util
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vrft_eval.backends.chunks import by_image, image_chunks, worker_chunk
from vrft_eval.backends.protocol import Answer, Backend, EngineDied, Prompt, Sampling
from vrft_eval.errors import InputError

if TYPE_CHECKING:
    from vrft_eval.generation import Generation

_DEVICES = "CUDA_VISIBLE_DEVICES"
_AHEAD = 2
"""Chunks of a worker at a time: while it works on one the next one waits for it."""


class Workers:
    """`generation.workers` processes that each hold the backend `name`, on `generation.tensor_parallel` GPUs each.

    On a machine without GPUs they share its cores. Answers come chunk by chunk (`generation.batch_size` prompts for
    vllm, 4 batches for transformers), of whichever worker is done. Raises InputError when a worker can't load the
    model, or there are too few GPUs.
    """

    def __init__(self, model: str, name: str, generation: Generation) -> None:
        self.name = name
        self._model = model
        self._generation = replace(generation, backend=name, workers=1)
        self._places = _places(generation.workers, generation.tensor_parallel)
        self._chunk = worker_chunk(name, generation.batch_size)
        self._pool: ProcessPoolExecutor | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        places: Any = context.Queue()
        for place in self._places:
            places.put(place)
        self._pool = ProcessPoolExecutor(
            len(self._places), context, _Worker.begin, (self._model, self._generation, places)
        )
        try:
            # As many as there are workers: no worker is free for a second one before it has loaded its model.
            for ready in [self._pool.submit(_Worker.ready) for _ in self._places]:
                ready.result()
        except BrokenProcessPool as error:
            self.close()
            raise EngineDied("a worker ended while it loaded the model") from error
        except BaseException:
            self.close()
            raise

    def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
        """Yield answers chunk by chunk, as they finish; the prompts about one image are in one chunk."""
        pool = self._pool
        if pool is None:
            raise EngineDied("the workers are closed")
        chunks = image_chunks(by_image(prompts), self._chunk)
        flying: set[Future[list[Answer]]] = set()
        try:
            while True:
                while len(flying) < _AHEAD * len(self._places) and (chunk := next(chunks, None)):
                    flying.add(pool.submit(_Worker.answer, chunk, sampling))
                if not flying:
                    return
                done, flying = wait(flying, return_when=FIRST_COMPLETED)
                # What others have answered is not lost with the worker that died.
                for future in sorted(done, key=lambda future: future.exception() is not None):
                    yield from future.result()
        except BrokenProcessPool as error:
            raise EngineDied("a worker's process ended") from error
        finally:
            for future in flying:
                future.cancel()

    def restart(self) -> None:
        """Start all workers again."""
        self.close()
        self._start()

    def close(self) -> None:
        """End the workers and what they hold."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


class _Worker:
    """What a worker's process holds: the backend, or why there is none."""

    backend: Backend | None = None
    trouble: InputError | None = None

    @classmethod
    def begin(cls, model: str, generation: Generation, places: Any) -> None:
        """Called once in each process, before anything of it imports torch."""
        for name, value in places.get().items():
            if name == _DEVICES or name not in os.environ:
                os.environ[name] = value
        from vrft_eval.backends.registry import load_backend

        try:
            cls.backend = load_backend(model, generation)
        except InputError as error:
            # An initializer that raises would only break the pool, without a word.
            cls.trouble = error
            return
        multiprocessing.util.Finalize(None, cls.backend.close, exitpriority=10)

    @classmethod
    def ready(cls) -> None:
        """Raise InputError when the backend couldn't be loaded."""
        cls._held()

    @classmethod
    def answer(cls, prompts: Sequence[Prompt], sampling: Sampling) -> list[Answer]:
        """Answer a chunk. Raises EngineDied."""
        return list(cls._held().answer(prompts, sampling))

    @classmethod
    def _held(cls) -> Backend:
        if cls.backend is None:
            raise cls.trouble or InputError("the worker has no model")
        return cls.backend


def _places(workers: int, each: int) -> list[dict[str, str]]:
    """Where each worker runs, as environment variables: some of the GPUs that this process may use, or some cores."""
    import torch

    count = torch.cuda.device_count()
    if not count:
        cores = str(max(1, (os.cpu_count() or 1) // workers))
        # vLLM would bind the threads of every worker to the same cores.
        return [{"OMP_NUM_THREADS": cores, "VLLM_CPU_OMP_THREADS_BIND": "nobind"}] * workers
    if workers * each > count:
        raise InputError(
            f"with {each} GPUs each (--tensor-parallel) need {workers * each}, there are {count}",
            field="--workers",
            value=workers,
        )
    visible = os.environ.get(_DEVICES)
    names = visible.split(",") if visible else [str(number) for number in range(count)]
    return [{_DEVICES: ",".join(names[k * each : (k + 1) * each])} for k in range(workers)]
