"""The options of an OpenAI-compatible server, checked before anything is asked or written."""

from __future__ import annotations

import os
from dataclasses import fields
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vrft_eval.errors import InputError

if TYPE_CHECKING:
    from vrft_eval.generation import Generation

_NOT_OURS = (
    *("dtype", "lora", "batch_size", "attention"),
    *("workers", "tensor_parallel", "max_model_len", "gpu_memory", "address"),
)


def check_server(generation: Generation) -> None:
    """Raise InputError for an address that is none, and for options that only the server itself could follow."""
    defaults = {field.name: field.default for field in fields(generation)}
    for name in _NOT_OURS:
        value = getattr(generation, name)
        if value != defaults[name]:
            raise InputError(
                "doesn't apply to --backend openai: the server decides it"
                + ("; see --concurrency" if name in ("batch_size", "workers") else ""),
                field="--" + name.replace("_", "-"),
                value=str(value),
            )
    check_address(generation.server.base_url)


def check_address(base_url: str | None) -> str:
    """Return the address of a server. Raises InputError; a password in it is not repeated."""
    if not base_url:
        raise InputError("must be given with --backend openai, as http://localhost:8000/v1", field="--base-url")
    try:
        parts = urlsplit(base_url)
        secret = parts.username is not None or parts.password is not None
        sound = parts.scheme in ("http", "https") and bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        raise InputError("is no address", field="--base-url", value=base_url.rpartition("@")[2]) from None
    if secret:
        raise InputError(
            "must hold no user or password; a key goes into the environment (--key-variable)", field="--base-url"
        )
    if not sound or parts.query or parts.fragment or any(ord(letter) <= 32 for letter in base_url):
        raise InputError("must be as http://host:port/v1 or https://host/v1", field="--base-url", value=base_url)
    return base_url.rstrip("/")


def find_key(variable: str) -> str | None:
    """The key in an environment variable, None where there is none. Raises InputError, which doesn't show it."""
    key = os.environ.get(variable, "").strip()
    if not all(32 < ord(letter) < 127 for letter in key):
        raise InputError("holds characters that no key has", field=variable)
    return key or None


def in_the_clear(base_url: str) -> bool:
    """Whether a key would cross a network unencrypted.

    >>> in_the_clear("http://10.0.0.7:8000/v1"), in_the_clear("http://127.0.0.1:8000/v1"), in_the_clear("https://a.org")
    (True, False, False)
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    try:
        near = ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost"
    return parts.scheme == "http" and not near
