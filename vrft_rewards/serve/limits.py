"""How much the server takes on: bodies, batches, requests that wait, and scoring at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields

from .messages import BadRequest

__all__ = ["Gate", "Limits"]


@dataclass(frozen=True)
class Limits:
    """What a server accepts. Raises ValueError for a limit that isn't positive."""

    max_body: int = 16 * 2**20
    """Bytes of one request."""
    max_held: int = 128 * 2**20
    """Bytes of all requests that are being read or wait."""
    max_batch: int = 4096
    """Completions of one request."""
    max_requests: int = 512
    """Requests inside at the same time; more are told to come back."""
    workers: int = 2
    """Requests that are scored at the same time."""
    body_seconds: float = 30.0
    """Time that a client has to send a request."""

    def __post_init__(self) -> None:
        for item in fields(self):
            if not getattr(self, item.name) > 0:
                raise ValueError(f"{item.name}: expected a number above 0, got {getattr(self, item.name)!r}")


class Gate:
    """Lets requests in, reads their bodies within the limits, and lets so many be scored at a time."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.inside = 0
        self.held = 0
        self._turns = asyncio.Semaphore(limits.workers)

    @asynccontextmanager
    async def body(self, length: str | None, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield a request's body when it is its turn. Raises BadRequest with 408, 413 or 503 for one too many."""
        if self.inside >= self.limits.max_requests:
            raise BadRequest(503, f"busy with {self.inside} requests; come back in a second")
        # What a header announces is refused before it is read.
        if length is not None and length.isdigit() and int(length[:20]) > self.limits.max_body:
            raise self._too_large()
        self.inside += 1
        chunks: list[bytes] = []
        try:
            try:
                await asyncio.wait_for(self._read(stream, chunks), self.limits.body_seconds)
            except asyncio.TimeoutError:
                raise BadRequest(408, f"the body didn't arrive within {self.limits.body_seconds:g} s") from None
            async with self._turns:
                yield b"".join(chunks)
        finally:
            self.inside -= 1
            self.held -= sum(map(len, chunks))

    async def _read(self, stream: AsyncIterator[bytes], chunks: list[bytes]) -> None:
        size = 0
        async for chunk in stream:
            chunks.append(chunk)
            self.held += len(chunk)
            size += len(chunk)
            if size > self.limits.max_body:
                raise self._too_large()
            if self.held > self.limits.max_held:
                raise BadRequest(503, "busy with other large requests; come back in a second")

    def _too_large(self) -> BadRequest:
        return BadRequest(413, f"body: at most {self.limits.max_body} bytes")
