"""`python -m trainers.grpo` where vLLM's CPU build must take new weights: `python colocated_on_cpu.py RECIPE [as-trl]`.

The CPU build packs the weights of linear layers for its kernels once, when it loads a model, and drops them: new ones
can't be loaded then. Here they are left as they are, as on a GPU. `as-trl`: vLLM is handed what TRL hands it.
"""

import os
import sys

os.environ |= {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}

from typing import Any

import torch
from vllm.model_executor.layers import utils

from trainers import grpo


def leave_unpacked(layer: Any, remove_weight: bool) -> None:
    layer.cpu_linear = torch.nn.functional.linear


if __name__ == "__main__":
    utils.dispatch_cpu_unquantized_gemm = leave_unpacked
    if sys.argv[2:] == ["as-trl"]:
        vars(grpo)["show_the_trained_prompts"] = lambda _trainer, _processor: None
    sys.exit(grpo.main(sys.argv[1:2]))
