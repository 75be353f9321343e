"""What importing the SDK costs."""

from __future__ import annotations

import subprocess
import sys


def test_import_is_light() -> None:
    """Neither torch nor the heavier base dependencies are loaded until something needs them."""
    heavy = ("torch", "scipy", "shapely", "rapidfuzz", "pydantic", "transformers", "vrft_eval")
    code = f"import sys, vrft_rewards; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_is_there() -> None:
    import vrft_rewards

    assert sorted(vrft_rewards.__all__) == sorted(set(vrft_rewards.__all__))
    assert all(hasattr(vrft_rewards, name) for name in vrft_rewards.__all__)
