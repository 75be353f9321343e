"""Nodes of a Ray cluster on this machine: raylets with one CPU each."""

from __future__ import annotations

import os
from typing import Any

TRIES = 4

# Ray's workers would give way to everything else on the machine.
os.environ.setdefault("RAY_worker_niceness", "0")


def start_cluster(nodes: int) -> Any:
    """A cluster whose head is the first of the nodes; tried again, since Ray gives a busy machine only 30 seconds."""
    from ray.cluster_utils import Cluster

    for left in reversed(range(TRIES)):
        made: Any = Cluster()
        try:
            for _ in range(nodes):
                made.add_node(num_cpus=1, include_dashboard=False)
        except Exception:
            made.shutdown()
            if not left:
                raise
        else:
            return made
    raise AssertionError
