"""`python -m trainers.grpo` shared out by accelerate over processes without a GPU: `accelerate launch on_cpu.py ...`.

accelerate shares weights out over accelerators alone. Here it is told that there are some: they speak gloo, and their
memory is the CPU's. DeepSpeed has a CPU for an accelerator itself, and is told by `DS_ACCELERATOR=cpu`.
"""

import os
import sys
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import DistributedType

from trainers.grpo import main

KIND = DistributedType.MULTI_HPU if os.environ.get("ACCELERATE_USE_FSDP") == "true" else DistributedType.MULTI_CPU


def prepare_backend(*_given: Any) -> tuple[str, DistributedType]:
    return "gloo", KIND


def set_device(state: PartialState) -> None:
    state.device = torch.device("cpu")


if __name__ == "__main__":
    PartialState._prepare_backend = prepare_backend
    PartialState.set_device = set_device
    sys.exit(main())
