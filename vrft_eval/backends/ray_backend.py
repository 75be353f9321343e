"""A Ray cluster: actors that hold our vllm or transformers backend, each on a GPU (or CPU) of its own.

Actors and not Ray Data's vLLM stages, which give back rows of a data set as a whole: here every chunk is in the journal
as it finishes, a prompt that fails fails alone, and LoRA, pixel bounds and constraints are those of the backend itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vrft_eval.backends.chunks import by_image, image_chunks, one_line, worker_chunk
from vrft_eval.backends.protocol import Answer, EngineDied, Prompt, Sampling
from vrft_eval.backends.ray_chunk import AHEAD, Chunk, pack
from vrft_eval.backends.ray_cluster import Cluster
from vrft_eval.backends.ray_worker import Identity, Report, Worker
from vrft_eval.errors import InputError, shorten

if TYPE_CHECKING:
    from vrft_eval.generation import Generation

_RESTARTS = 8
_DEATHS = 3
_THREADS = 8
_BEAT = 5.0
_GRACE = 10.0


class RayBackend:
    """`generation.workers` actors on the cluster at `generation.address`, or on this machine where that is None.

    Image files are read here and sent along, at most two chunks a worker at a time: the nodes need the model, not the
    data. A worker whose process or node dies is restarted by Ray where there is room, and its chunks go to whoever is
    free. patience is in seconds, for workers to be ready. Raises InputError when there is no cluster, no room in it,
    or a node has another model, or none.
    """

    name = "ray"

    def __init__(self, model: str, generation: Generation, *, patience: float = 600.0) -> None:
        # The nodes have working folders of their own.
        # `demo` is the shipped model, also where a folder has that name.
        shipped = model.partition(":")[0] == "demo"
        self._model = str(Path(model).resolve()) if Path(model).is_dir() and not shipped else model
        lora = None if generation.lora is None else generation.lora.resolve()
        self._generation = replace(generation, lora=lora)
        self._patience = patience
        self._start()

    def _start(self) -> None:
        self._identity = Identity.here(self._model, self._generation)
        self._free: list[Any] = []
        self._actors: list[Any] = []
        self._coming: dict[Any, Any] = {}
        self._again: list[Chunk] = []
        self._more = False
        self.reports: dict[Any, Report] = {}
        self._cluster = Cluster(self._generation.address)
        import ray

        self._ray: Any = ray
        try:
            self._hire()
        except BaseException:
            self.close()
            raise

    def _hire(self) -> None:
        wanted, parallel = self._generation.workers, self._generation.tensor_parallel
        has = self._cluster.resources()
        kind, each = ("GPU", parallel) if has.get("GPU") else ("CPU", 1)
        if has.get(kind, 0) < wanted * each:
            raise InputError(
                f"need {wanted * each} {kind}s, and the cluster has {has.get(kind, 0):g}",
                field="--workers",
                value=wanted,
            )
        room = {"num_gpus": each, "num_cpus": 1} if kind == "GPU" else {"num_cpus": each}
        # Chunks are not retried by Ray, which would have them wait for their own actor: its node may never come back.
        actor = self._ray.remote(max_restarts=_RESTARTS, max_task_retries=0, scheduling_strategy="SPREAD", **room)(
            Worker
        )
        self._actors = [actor.remote(self._model, self._generation) for _ in range(wanted)]
        for one in self._actors:
            self._await(one)
        ready, _ = self._ray.wait(list(self._coming), num_returns=wanted, timeout=self._patience)
        try:
            self._welcome(ready)
        except EngineDied as error:
            raise InputError(f"no worker could be started: {error}") from None
        if not self._free:
            raise InputError(
                f"no worker was ready after {self._patience:.0f} seconds; are the cluster's {kind}s free?",
                field="--workers",
                value=wanted,
            )

    def _await(self, actor: Any) -> None:
        """Have Ray tell when an actor is there (again)."""
        self._coming[actor.ready.options(max_task_retries=-1).remote()] = actor

    def _welcome(self, refs: Iterable[Any]) -> None:
        """Put actors that are ready to work, and leave those that Ray has given up. Raises EngineDied with the last."""
        for ref in refs:
            actor = self._coming.pop(ref)
            try:
                report: Report = self._get(ref)
            except _Lost as error:
                self._actors.remove(actor)
                if not self._actors:
                    raise EngineDied(f"every worker is gone: {error}") from None
                continue
            self._check(report)
            self.reports[actor] = report
            self._free.extend([actor] * AHEAD)

    def _check(self, report: Report) -> None:
        known = next((other.identity for other in self.reports.values()), None)
        wanted = replace(self._identity, engine=report.identity.engine if known is None else known.engine)
        for name, meaning in _MEANINGS.items():
            here, there = getattr(wanted, name), getattr(report.identity, name)
            if here != there:
                raise InputError(f"node {report.host} has another {meaning}: {there!s:.60}, and not {here!s:.60}")

    def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
        """Yield answers chunk by chunk, of whichever worker is done."""
        engine = next(iter(self.reports.values())).identity.engine or ""
        chunks = image_chunks(by_image(prompts), worker_chunk(engine, self._generation.batch_size))
        flying: dict[Any, tuple[Any, Chunk]] = {}
        self._again, self._more = [], True
        try:
            with ThreadPoolExecutor(_THREADS) as pool:
                while True:
                    yield from self._hand_out(chunks, sampling, flying, pool)
                    if not (flying or self._again or self._more):
                        return
                    done = self._wait([*flying, *self._coming])
                    self._welcome([ref for ref in done if ref in self._coming])
                    for ref in done:
                        if ref in flying:
                            yield from self._take(ref, flying)
        finally:
            # Only while we are connected: Ray starts a cluster for whoever calls it without one.
            for ref, (actor, chunk) in flying.items():
                if actor in self._actors:
                    self._ray.cancel(ref)
                    self._free.extend([actor] * chunk.slots)

    def _hand_out(
        self,
        chunks: Iterator[list[Prompt]],
        sampling: Sampling,
        flying: dict[Any, tuple[Any, Chunk]],
        pool: ThreadPoolExecutor,
    ) -> Iterator[Answer]:
        """Give every free worker a chunk; prompts whose image can't be read are answered at once."""
        while self._free:
            if self._again:
                chunk = self._again.pop()
            else:
                fresh = next(chunks, None)
                if fresh is None:
                    self._more = False
                    return
                chunk, unreadable = pack(fresh, pool, self._ray.put)
                yield from unreadable
                if not chunk.prompts:
                    continue
            # The one with the least to do; for a suspect, one that does nothing else: what dies is then its doing.
            actor = max(self._free, key=self._free.count)
            if chunk.suspect and self._free.count(actor) < AHEAD:
                self._again.append(chunk)
                return
            for _ in range(chunk.slots):
                self._free.remove(actor)
            flying[actor.answer.remote(chunk.prompts, chunk.images, sampling)] = actor, chunk

    def _take(self, ref: Any, flying: dict[Any, tuple[Any, Chunk]]) -> Iterator[Answer]:
        """The answers to a chunk; if its worker died, all the worker's chunks are for others.

        The oldest is what it worked on: if another one dies of it too it is halved, down to the prompt that is told as
        failed.
        """
        actor, chunk = flying[ref]
        try:
            answers: list[Answer] = self._get(ref)
        except _Lost as error:
            lost_for = error
        else:
            del flying[ref]
            self._free.extend([actor] * chunk.slots)
            yield from answers
            return
        lost = [other for other, (holder, _) in flying.items() if holder == actor]
        chunk, *waiting = [flying.pop(other)[1] for other in lost]
        chunk.deaths += 1
        if chunk.suspect and len(chunk.prompts) > 1:
            waiting += chunk.halves()
        elif chunk.deaths < _DEATHS:
            waiting.append(chunk)
        else:
            yield Answer(chunk.prompts[0].id, None, f"its worker died {chunk.deaths} times: {lost_for}")
        self._again += waiting
        self._free = [other for other in self._free if other != actor]
        if isinstance(lost_for, _EngineLost):
            # Its process lives, so that Ray doesn't know yet.
            self._ray.kill(actor, no_restart=False)
        self._await(actor)

    def restart(self) -> None:
        """Connect again, and start all workers anew."""
        self.close()
        self._start()

    def close(self) -> None:
        """Let go of our workers and of the connection; the user's cluster runs on."""
        # First asked, so that an engine's own processes end too; then killed, whatever they are at.
        coming = list(self._coming.values())
        asked = [actor.close.remote() for actor in self._actors if actor not in coming]
        if asked:
            self._ray.wait(asked, num_returns=len(asked), timeout=_GRACE)
        for actor in self._actors:
            self._ray.kill(actor)
        self._actors, self._free, self._coming = [], [], {}
        self._cluster.close()

    def _wait(self, refs: list[Any]) -> list[Any]:
        """What has come to an end, at least one. Raises EngineDied when the cluster is gone."""
        while True:
            done, _ = self._ray.wait(refs, num_returns=1, timeout=_BEAT)
            if done:
                return list(done)
            if not self._cluster.alive():
                raise EngineDied("the Ray cluster is gone: its head answers no more")

    def _get(self, ref: Any) -> Any:
        """A task's result. Raises _Lost when the worker is, or its engine; InputError as the worker does."""
        from ray.exceptions import RayError, RayTaskError

        try:
            return self._ray.get(ref)
        except RayTaskError as error:
            cause = error.cause
            if isinstance(cause, InputError):
                raise InputError(str(cause)) from None
            if isinstance(cause, EngineDied):
                raise _EngineLost(str(cause)) from None
            raise InputError(f"a worker failed: {one_line(cause)}") from None
        except RayError as error:
            raise _Lost(_reason(error)) from None


class _Lost(Exception):
    """A worker died in the middle of a task."""


class _EngineLost(_Lost):
    """Its engine did, and not its process."""


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_MEANINGS = {"version": "version of vrft", "model": "model", "lora": "adapter", "engine": "engine"}


def _reason(error: Exception) -> str:
    """Ray's account of a death in one line: the first one says what happened, the last one of a traceback why."""
    lines = [line.strip() for line in _COLOURS.sub("", str(error)).splitlines() if line.strip()]
    return shorten(": ".join(dict.fromkeys([type(error).__name__, *lines[:1], *lines[-1:]])), 300)
