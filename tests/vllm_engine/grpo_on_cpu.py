"""`python -m trainers.grpo` where vLLM's CPU build must take new weights: `python grpo_on_cpu.py RECIPE [as-trl]`.

`as-trl`: vLLM is handed what TRL hands it. What else differs is how the weights get there, see weights_on_cpu.py.
"""

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

os.environ |= {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}

import torch
from trl.generation import vllm_client

from trainers import grpo
from vllm_engine.weights_on_cpu import Group


def join(info: dict[str, Any]) -> Group:
    return Group(info["master_address"], info["master_port"], 0, info["world_size"])


def send(iterator: Iterator[Any], group: Group, src: int, post_iter_func: Callable[[Any], torch.Tensor]) -> None:
    for item in iterator:
        group.group.broadcast(post_iter_func(item).detach().clone(), src)


if __name__ == "__main__":
    client = vllm_client.VLLMClient
    connect = client.init_communicator
    vars(vllm_client).update(open_trainer_endpoint=join, packed_nccl_broadcast_producer=send)
    # It refuses anything but CUDA, for NCCL's sake.
    client.init_communicator = lambda self, device: connect(self, "cuda")
    if sys.argv[2:] == ["as-trl"]:
        vars(grpo)["show_the_trained_prompts"] = lambda _trainer, _processor: None
    sys.exit(grpo.main(sys.argv[1:2]))
