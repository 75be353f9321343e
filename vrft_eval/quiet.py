"""Keep other libraries' chatter out of our output."""

from __future__ import annotations

from typing import Any


def quiet_transformers() -> None:
    """Switch off transformers' own progress bars."""
    from transformers.utils import logging

    untyped: Any = logging
    untyped.disable_progress_bar()
