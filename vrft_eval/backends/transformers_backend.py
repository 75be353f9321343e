"""Plain transformers: batched generation on any device, with any image-text-to-text model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from vrft_eval.backends.chunks import Loaded, ask_apart, in_chunks, loaded_chunks, one_line
from vrft_eval.backends.pixels import bound_pixels
from vrft_eval.backends.protocol import Answer, Prompt, Sampling
from vrft_eval.errors import InputError, choice
from vrft_eval.quiet import quiet_transformers

DTYPES = ("auto", "float32", "bfloat16", "float16")
_SORTED_BATCHES = 64


class TransformersBackend:
    """A model loaded with AutoModelForImageTextToText.

    model: a folder or a Hugging Face name. dtype `auto` is float32 on a CPU and the checkpoint's own elsewhere.
    min_pixels and max_pixels bound the size that an image is brought to, None for the checkpoint's own bounds. lora is
    the folder of an adapter. attention is one of transformers' implementations, None for its own choice.
    Raises InputError when the model, the adapter or the device can't be loaded.
    """

    name = "transformers"

    def __init__(
        self,
        model: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        batch_size: int = 16,
        min_pixels: int | None = None,
        max_pixels: int | None = None,
        lora: Path | None = None,
        attention: str | None = None,
    ) -> None:
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        # transformers leaves these untyped.
        auto_processor: Any = AutoProcessor
        auto_model: Any = AutoModelForImageTextToText
        quiet_transformers()
        choice(dtype, DTYPES, "--dtype")
        if batch_size < 1:
            raise InputError("must be 1 or more", field="batch_size", value=batch_size)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        wanted = "float32" if dtype == "auto" and device == "cpu" else dtype
        options = {} if attention is None else {"attn_implementation": attention}
        try:
            self._processor = auto_processor.from_pretrained(model, padding_side="left")
            self._model: Any = auto_model.from_pretrained(
                model, dtype=wanted if wanted == "auto" else getattr(torch, wanted), **options
            )
            self._model = self._model.to(device).eval()
        except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
            raise InputError(f"the model can't be loaded: {one_line(error)}", file=model) from error
        if not hasattr(self._processor, "image_processor"):
            raise InputError("the model's processor takes no images", file=model)
        if lora is not None:
            self._add_lora(lora)
        bound_pixels(self._processor.image_processor, min_pixels, max_pixels)
        self._torch = torch
        self._batch_size = batch_size

    def _add_lora(self, folder: Path) -> None:
        try:
            self._model.load_adapter(str(folder))
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, ImportError) as error:
            raise InputError(f"the adapter can't be loaded: {one_line(error)}", file=folder) from error

    def answer(self, prompts: Iterable[Prompt], sampling: Sampling) -> Iterator[Answer]:
        """Yield answers batch by batch, prompts of like length together so that little is padded."""
        configuration = self._configuration(sampling)

        def ask(items: Sequence[Loaded]) -> list[Answer]:
            return self._generate(items, configuration, sampling)

        for items, unreadable in loaded_chunks(self._sorted(prompts), self._batch_size):
            yield from unreadable
            if items:
                yield from ask_apart(items, ask, self._free)

    def restart(self) -> None:
        """Nothing: the engine is this process."""

    def close(self) -> None:
        """Let go of the model."""
        self._model = None
        self._free()

    def _sorted(self, prompts: Iterable[Prompt]) -> Iterator[Prompt]:
        # Sorted a stretch at a time, so that a stream of any length is never held as a whole.
        for stretch in in_chunks(prompts, _SORTED_BATCHES * self._batch_size):
            yield from sorted(stretch, key=lambda prompt: (len(prompt.text), str(prompt.image)))

    def _free(self) -> None:
        if self._torch.cuda.is_available():
            self._torch.cuda.empty_cache()

    def _configuration(self, sampling: Sampling) -> Any:
        from transformers import GenerationConfig

        configuration: Any = GenerationConfig
        own, tokenizer = self._model.generation_config, self._processor.tokenizer
        eos = own.eos_token_id if own.eos_token_id is not None else tokenizer.eos_token_id
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else own.pad_token_id
        ends = {"max_new_tokens": sampling.max_new_tokens, "eos_token_id": eos, "pad_token_id": pad}
        if sampling.constraint is not None:
            raise InputError(
                "answers are constrained by vllm only", field="--constrain", value=sampling.constraint.form
            )
        if sampling.model_defaults:
            return configuration.from_dict({**own.to_diff_dict(), **ends, "max_length": None})
        # A fresh configuration: the checkpoint's own may carry sampling settings that would change the answers.
        drawn = {"temperature": sampling.temperature, "top_k": 0, "top_p": 1.0} if sampling.temperature else {}
        return configuration(do_sample=bool(drawn), **ends, **drawn)

    def _generate(self, items: Sequence[Loaded], configuration: Any, sampling: Sampling) -> list[Answer]:
        texts = [
            self._processor.apply_chat_template(
                prompt.messages({"type": "image"}), add_generation_prompt=True, tokenize=False
            )
            for prompt, _ in items
        ]
        inputs = self._processor(
            text=texts, images=[[image] for _, image in items], padding=True, return_tensors="pt"
        ).to(self._model.device)
        for key, value in inputs.items():
            if self._torch.is_floating_point(value):
                inputs[key] = value.to(self._model.dtype)
        if configuration.do_sample:
            # Drawn by the seed and the prompts of the batch, so that the same command gives the same answers.
            self._torch.manual_seed(sampling.seed_of(*(prompt.id for prompt, _ in items)))
        with self._torch.inference_mode():
            output = self._model.generate(**inputs, generation_config=configuration)
        new = output[:, inputs["input_ids"].shape[1] :]
        eos = configuration.eos_token_id
        stops = set(eos) if isinstance(eos, (list, tuple)) else {eos}
        lengths = inputs["attention_mask"].sum(dim=1).tolist()
        answers = []
        for (prompt, _), tokens, length in zip(items, new.tolist(), lengths, strict=True):
            end = next((i for i, token in enumerate(tokens) if token in stops), None)
            kept = tokens if end is None else tokens[:end]
            text = self._processor.tokenizer.decode(kept, skip_special_tokens=True)
            count = len(kept) + (end is not None)
            answers.append(Answer(prompt.id, text, None, "length" if end is None else "stop", count, int(length)))
        return answers
