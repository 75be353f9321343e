"""New weights for vLLM's CPU build, as on a GPU but for the way that they take; to import this file is enough.

The CPU build packs the weights of linear layers for its kernels once, when it loads a model, and drops them: new ones
can't be loaded then. Here they are left as they are. And where a server's weights come by NCCL, which needs CUDA, they
come here through the TCP store by which NCCL's processes find each other.
"""

from collections.abc import Iterator
from typing import Any

import torch
from vllm.distributed.utils import StatelessProcessGroup
from vllm.distributed.weight_transfer import nccl_engine
from vllm.model_executor.layers import utils


class Group:
    """The trainer, of rank 0, and the server's workers. TRL closes what is in `group`."""

    def __init__(self, address: str, port: int, rank: int, size: int) -> None:
        self.group = StatelessProcessGroup.create(address, port, rank, size)

    def destroy(self) -> None:
        """Nothing to end."""


class Worker:
    """For a server's --worker-extension-cls: adds nothing to the worker, but its process imports this file."""


def leave_unpacked(layer: Any, remove_weight: bool) -> None:
    layer.cpu_linear = torch.nn.functional.linear


def join(info: Any, parallel: Any) -> Group:
    return Group(info.master_address, info.master_port, parallel.rank + info.rank_offset, info.world_size)


def receive(iterator: Iterator[Any], group: Group, src: int, post_unpack_func: Any, **_options: Any) -> None:
    post_unpack_func([(name, group.group.broadcast(torch.empty(0), src)) for name, _ in iterator])


utils.dispatch_cpu_unquantized_gemm = leave_unpacked
vars(nccl_engine).update(worker_init_process_group=join, packed_nccl_broadcast_consumer=receive)
