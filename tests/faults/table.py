"""Print the table of docs/backends/index.md: python tests/faults/table.py."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.scenarios import HEAD, SCENARIOS, Run

if __name__ == "__main__":
    print(HEAD)
    for scenario in SCENARIOS:
        with tempfile.TemporaryDirectory() as folder:
            print(scenario(Run(Path(folder))).markdown(), flush=True)
