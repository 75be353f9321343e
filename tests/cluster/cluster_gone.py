"""Ask through a cluster whose head is killed in mid-run, and print what the backend says.

A process of its own, since the connection is one a process, and this one can't be ended well.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from cluster.raylets import start_cluster
from vrft_eval.backends.protocol import EngineDied, Prompt, Sampling
from vrft_eval.backends.ray_backend import RayBackend
from vrft_eval.errors import InputError
from vrft_eval.generation import Generation

ANSWERS = 3


def main(image: Path) -> None:
    """Two lines: when the head is gone, and when the connection can't be made again."""
    cluster = start_cluster(1)
    head = cluster.head_node.all_processes["gcs_server"][0].process.pid
    backend = RayBackend("demo", Generation(backend="ray", address=cluster.address, batch_size=1))
    prompts = (Prompt(str(number), image, "Where is it?") for number in range(100_000))
    answers = 0
    try:
        for answer in backend.answer(prompts, Sampling(max_new_tokens=4)):
            answers += answer.completion is not None
            if answers == ANSWERS:
                os.kill(head, signal.SIGKILL)
    except EngineDied as error:
        print(f"{answers >= ANSWERS}: {error}", flush=True)
    try:
        backend.restart()
    except InputError as error:
        print(error, flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
