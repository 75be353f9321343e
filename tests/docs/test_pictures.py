"""The committed pictures of the concepts page are what docs/pictures/draw.py draws today."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.blocks import ROOT

PICTURES = ROOT / "docs" / "pictures"
_NUMBER = re.compile(r"-?\d+\.\d+")


def test_the_pictures_are_what_the_code_draws(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(PICTURES / "draw.py"), str(tmp_path)], check=True)
    drawn = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert set(drawn) == {path.name for path in PICTURES.glob("*.svg")} != set()
    for name, now in drawn.items():
        kept = (PICTURES / name).read_text(encoding="utf-8")
        # Fonts are laid out a hair differently by another Matplotlib; what is shown isn't.
        assert _NUMBER.sub("#", now) == _NUMBER.sub("#", kept), name
        numbers = [float(number) for number in _NUMBER.findall(now)]
        assert numbers == pytest.approx([float(number) for number in _NUMBER.findall(kept)], abs=0.5), name
