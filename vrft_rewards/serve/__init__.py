"""Rewards over HTTP: ``vrft-rewards serve``. Needs the extra ``serve``, and imports it only when a server is made."""

from .app import create_app
from .command import main
from .limits import Limits

__all__ = ["Limits", "create_app", "main"]
