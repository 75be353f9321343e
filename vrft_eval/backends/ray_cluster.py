"""The connection to a Ray cluster: the user's, which is left running, or one of our own on this machine."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vrft_eval.backends.chunks import one_line
from vrft_eval.errors import InputError

_SECONDS = 10.0
_ADDRESS = "RAY_ADDRESS"
_OWN = "local"
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}
# Ray ends a process whose cluster has been away for a minute, without a word.
_PATIENT = {"RAY_gcs_rpc_server_reconnect_timeout_s": "86400"}


class Cluster:
    """A connection, made once: to the cluster at an address, or where that is None to one at $RAY_ADDRESS, or else to
    one that is started on this machine and ends with the connection.

    Raises InputError when there is no cluster at the address.
    """

    def __init__(self, address: str | None) -> None:
        address = address or os.environ.get(_ADDRESS) or _OWN
        with _environment(_settings(address)):
            import ray

        self._ray: Any = ray
        self._ours = not ray.is_initialized()
        if self._ours:
            self._connect(address)
        _silence()
        self._gcs = None if address.startswith("ray://") else ray.get_runtime_context().gcs_address

    def _connect(self, address: str) -> None:
        # Of an address where nothing listens Ray itself would only despair after minutes.
        _, colon, port = address.rpartition(":")
        if colon and port.isdecimal() and "/" not in address and not _listening(address):
            raise InputError(f"nothing listens there; {_HINT}", field="--address", value=address)
        options = {"include_dashboard": False} if address == _OWN else {}
        try:
            with _environment(_settings(address)):
                self._ray.init(address=address, logging_level=logging.CRITICAL, log_to_driver=False, **options)
        except (Exception, SystemExit) as error:  # Ray's own errors here have no class in common
            raise InputError(
                f"no Ray cluster can be reached: {one_line(error)}; {_HINT}", field="--address", value=address
            ) from None

    def resources(self) -> dict[str, float]:
        """All that the cluster has, in use or not: CPU, GPU, ..."""
        found: dict[str, float] = self._ray.cluster_resources()
        return found

    def alive(self) -> bool:
        """Whether the cluster's head still listens."""
        return self._gcs is None or _listening(self._gcs)

    def close(self) -> None:
        """Disconnect; a cluster of our own ends with that, the user's runs on."""
        if self._ours:
            self._ray.shutdown()


_HINT = "start one with `ray start --head` and name auto, or host:6379, or leave --address out for one on this machine"


def _listening(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS):
            return True
    except OSError:
        return False


def _settings(address: str) -> dict[str, str]:
    return _QUIET if address == _OWN else _QUIET | _PATIENT


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Settings that Ray reads from the environment only; what the user has set there stays."""
    ours = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


def _silence() -> None:
    # What happens on the nodes is printed to our standard output, and no option keeps it from there.
    import ray._private.worker as private

    if hasattr(private, "print_to_stdstream"):
        private.print_to_stdstream = lambda *_, **__: None
