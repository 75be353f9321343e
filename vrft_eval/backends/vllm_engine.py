"""Starting vLLM's engine, and saying in one line why it can't be."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Any

from vrft_eval.backends.chunks import one_line
from vrft_eval.backends.engine_guard import Guard
from vrft_eval.backends.engine_log import EngineLog
from vrft_eval.errors import InputError

_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""vLLM's own list, of its LoRAConfig."""
_CPU_CACHE_BYTES = 2**30
_VISION = ("visual", "vision_tower", "vision_model", "multi_modal_projector", "connector", "merger")
# A model that is free to write spaces between the parts of JSON may write nothing else.
_FORMS = {"backend": "guidance", "disable_any_whitespace": True}
_LEVEL = "VLLM_LOGGING_LEVEL"
_ENVIRONMENT = {
    # Threads decode images here, and a process that is forked beside threads may hang.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    _LEVEL: "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_NO_USAGE_STATS": "1",
}


@dataclass(frozen=True)
class EngineOptions:
    """What an engine is started with; `bounds` are those of an image's pixels, by the image processor's names."""

    model: str
    dtype: str = "auto"
    bounds: dict[str, int] | None = None
    tensor_parallel: int = 1
    max_model_len: int | None = None
    gpu_memory: float = 0.9
    lora: Path | None = None


class Engine:
    """vLLM's `LLM`, with its log and the adapter that every request asks for.

    `at_once` bounds the requests that are worked on together, None for vLLM's own bound. Raises InputError.
    """

    def __init__(self, options: EngineOptions, at_once: int | None = None) -> None:
        quiet_vllm()
        self.log = EngineLog()
        # Who asks for more of vLLM's log gets it where it is written.
        self._aside = self.log.inherited if os.environ[_LEVEL] == "ERROR" else nullcontext
        self.adapter: Any = None
        before = multiprocessing.active_children()
        with self._told(options):
            self.llm = self._start(options, at_once)
        self._processes = [process for process in multiprocessing.active_children() if process not in before]
        self._guard = Guard(process.pid for process in self._processes if process.pid)
        Thread(target=_watch, args=(self._processes, self.llm.llm_engine.engine_core), daemon=True).start()
        self.log.seen()
        if options.lora is not None:
            try:
                self._add_adapter(options.lora)
            except BaseException:
                self.close()
                raise
        self.log.seen()

    @property
    def length(self) -> int:
        """Tokens that a prompt and its answer may have together."""
        return int(self.llm.model_config.max_model_len)

    def close(self) -> None:
        """End the engine's processes."""
        self.llm.llm_engine.engine_core.shutdown()
        self._guard.close()
        for process in self._processes:
            process.join()

    def _start(self, options: EngineOptions, at_once: int | None) -> Any:
        from vllm import LLM
        from vllm.platforms import current_platform

        cpu = current_platform.is_cpu()
        chosen: dict[str, Any] = {}
        if options.max_model_len is not None:
            chosen["max_model_len"] = options.max_model_len
        if options.bounds is not None:
            chosen["mm_processor_kwargs"] = {"size": options.bounds}
        if at_once is not None:
            chosen["max_num_seqs"] = at_once
        if cpu and not os.environ.get("VLLM_CPU_KVCACHE_SPACE"):
            chosen["kv_cache_memory_bytes"] = _CPU_CACHE_BYTES
        if options.lora is not None:
            chosen |= _adapter_options(options.lora)
        return LLM(
            options.model,
            # Answers agree with those of transformers then, which takes float32 there as well.
            dtype="float32" if options.dtype == "auto" and cpu else options.dtype,
            # Compiling costs a CPU more than it saves it.
            enforce_eager=cpu,
            enable_prefix_caching=True,
            limit_mm_per_prompt={"image": 1},
            structured_outputs_config=_FORMS,
            tensor_parallel_size=options.tensor_parallel,
            gpu_memory_utilization=options.gpu_memory,
            **chosen,
        )

    def _add_adapter(self, folder: Path) -> None:
        from vllm import SamplingParams
        from vllm.lora.request import LoRARequest

        adapter = LoRARequest("adapter", 1, str(folder))
        try:
            self.llm.llm_engine.add_lora(adapter)
            # Its weights are put to use by the first request only.
            self.llm.generate("a", SamplingParams(max_tokens=1), lora_request=adapter, use_tqdm=False)
        except Exception as error:
            reason = self.log.reason() or one_line(error)
            raise InputError(f"the adapter can't be used with the model: {reason}", file=folder) from error
        self.adapter = adapter

    @contextmanager
    def _told(self, options: EngineOptions) -> Iterator[None]:
        """Say what is wrong with the model, the memory or the adapter in one line."""
        try:
            with self._aside():
                yield
        except InputError:
            raise
        except Exception as error:
            reason = self.log.reason() or one_line(error)
            raise InputError(f"vLLM can't load the model: {reason}{_mend(reason)}", file=options.model) from error


def quiet_vllm() -> None:
    """Set what vLLM reads from the environment when it is first imported, where the user hasn't."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def check_device(device: str) -> None:
    """Raise InputError unless it is `auto` or what vLLM was built for, which is all that it can run on."""
    if device == "auto":
        return
    quiet_vllm()
    from vllm.platforms import current_platform

    built: str = current_platform.device_type
    if device != built:
        raise InputError(
            f"this vLLM was built for {built}; it takes the GPUs of CUDA_VISIBLE_DEVICES where it has any",
            field="--device",
            value=device,
        )


def _watch(processes: Sequence[BaseProcess], core: Any) -> None:
    """Wake who waits for an engine whose process has ended: vLLM's offline client would wait for ever."""
    from vllm.v1.engine.exceptions import EngineDeadError

    if not processes:
        return
    wait([process.sentinel for process in processes])
    for future in list(core.utility_results.values()):
        if not future.done():
            future.set_exception(EngineDeadError())
    core.outputs_queue.put_nowait(EngineDeadError())


def _mend(reason: str) -> str:
    """What helps, where the error that vLLM gives names its own options and not ours."""
    lowered = reason.lower()
    if "kv cache" in lowered or "max_model_len" in lowered:
        return "; a smaller --max-model-len needs less (on a CPU VLLM_CPU_KVCACHE_SPACE gives more, in GiB)"
    if "memory" in lowered:
        return "; a smaller --gpu-memory, a smaller model or --tensor-parallel over more GPUs needs less of each"
    if "tensor_parallel" in lowered or "world size" in lowered:
        return "; --tensor-parallel takes that many GPUs, and must divide the model's attention heads"
    return ""


def _adapter_options(folder: Path) -> dict[str, Any]:
    """The engine's options for an adapter. Raises InputError for one that vLLM has no place for."""
    file = folder / "adapter_config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        ranks = [int(config["r"]), *map(int, (config.get("rank_pattern") or {}).values())]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"is no configuration of a LoRA adapter: {one_line(error)}", file=file) from error
    fitting = next((rank for rank in _RANKS if rank >= max(ranks)), None)
    if fitting is None:
        raise InputError(f"vLLM takes ranks up to {_RANKS[-1]}", file=file, field="r", value=max(ranks))
    vision = _changes_vision(folder)
    return {"enable_lora": True, "max_loras": 1, "max_lora_rank": fitting, "enable_tower_connector_lora": vision}


def _changes_vision(folder: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    file = folder / "adapter_model.safetensors"
    try:
        with safe_open(file, framework="np") as tensors:
            return any(part in _VISION for name in tensors.keys() for part in name.split("."))  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"the adapter can't be loaded: {one_line(error)}", file=file) from error
