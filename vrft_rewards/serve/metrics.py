"""What Prometheus can read about a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["Metrics"]


class Metrics:
    """Counters of one application, in a registry of its own. Raises ImportError without the extra ``serve``."""

    def __init__(self, in_progress: Callable[[], int]) -> None:
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

        self.content_type = CONTENT_TYPE_LATEST
        self._registry = CollectorRegistry()
        self._write = generate_latest
        self._requests = Counter("vrft_requests", "Requests", ["path", "status"], registry=self._registry)
        self._completions = Counter("vrft_completions", "Completions scored", registry=self._registry)
        self._seconds = Histogram(
            "vrft_request_seconds",
            "From a request's first byte to its answer",
            ["path"],
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
            registry=self._registry,
        )
        self._rewards = Histogram(
            "vrft_reward",
            "Rewards on a scale from 0 to 1",
            buckets=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
            registry=self._registry,
        )
        gauge = Gauge("vrft_requests_in_progress", "Requests being read, waiting or scored", registry=self._registry)
        gauge.set_function(in_progress)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def scored(self, units: Sequence[float]) -> None:
        """Count the completions of a request and their rewards in [0, 1]."""
        self._completions.inc(len(units))
        for unit in units:
            self._rewards.observe(unit)

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return self._write(self._registry)
