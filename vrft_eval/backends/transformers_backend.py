"""Plain transformers: batched generation on any device, with any image-text-to-text model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vrft_eval.backends.protocol import MAX_TEMPERATURE, Answer, Prompt
from vrft_eval.errors import InputError, shorten
from vrft_eval.images import load_image
from vrft_eval.quiet import quiet_transformers

if TYPE_CHECKING:
    from PIL.Image import Image

DTYPES = ("auto", "float32", "bfloat16", "float16")


class TransformersBackend:
    """A model loaded with AutoModelForImageTextToText.

    model: a folder or a Hugging Face name. dtype `auto` is float32 on a CPU and the checkpoint's own elsewhere.
    Answers are greedy at temperature 0; above it they are sampled from the whole distribution, by the seed.
    Raises InputError when the model or the device can't be loaded.
    """

    name = "transformers"

    def __init__(
        self,
        model: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        batch_size: int = 16,
        max_new_tokens: int = 1024,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> None:
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        # transformers leaves these untyped.
        auto_processor: Any = AutoProcessor
        auto_model: Any = AutoModelForImageTextToText
        quiet_transformers()
        if dtype not in DTYPES:
            raise InputError(f"must be one of {', '.join(DTYPES)}", field="dtype", value=dtype)
        for field, value in (("batch_size", batch_size), ("max_new_tokens", max_new_tokens)):
            if value < 1:
                raise InputError("must be 1 or more", field=field, value=value)
        if not 0 <= temperature <= MAX_TEMPERATURE:
            raise InputError(f"must be from 0 to {MAX_TEMPERATURE:g}", field="temperature", value=temperature)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        wanted = "float32" if dtype == "auto" and device == "cpu" else dtype
        try:
            self._processor = auto_processor.from_pretrained(model, padding_side="left")
            self._model: Any = auto_model.from_pretrained(
                model, dtype=wanted if wanted == "auto" else getattr(torch, wanted)
            )
            self._model = self._model.to(device).eval()
        except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
            raise InputError(f"the model can't be loaded: {_one_line(error)}", file=model) from error
        if not hasattr(self._processor, "image_processor"):
            raise InputError("the model's processor takes no images", file=model)
        self._torch = torch
        self._batch_size = batch_size
        self._temperature = temperature
        self._seed = seed
        self.limit_tokens(max_new_tokens)

    def limit_tokens(self, max_new_tokens: int) -> None:
        """Set how many tokens an answer may have; a longer one is cut off."""
        self._generation = self._configuration(max_new_tokens)

    def _configuration(self, max_new_tokens: int) -> Any:
        from transformers import GenerationConfig

        configuration: Any = GenerationConfig
        own, tokenizer = self._model.generation_config, self._processor.tokenizer
        eos = own.eos_token_id if own.eos_token_id is not None else tokenizer.eos_token_id
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else own.pad_token_id
        # A fresh configuration: the checkpoint's own may carry sampling settings that would change the answers.
        sampling = {"temperature": self._temperature, "top_k": 0, "top_p": 1.0} if self._temperature else {}
        return configuration(
            do_sample=bool(sampling), max_new_tokens=max_new_tokens, eos_token_id=eos, pad_token_id=pad, **sampling
        )

    def answer(self, prompts: Sequence[Prompt]) -> Iterator[Answer]:
        """Yield answers batch by batch, prompts of like length together so that little is padded."""
        ordered = sorted(prompts, key=lambda prompt: (len(prompt.text), str(prompt.image)))
        for start in range(0, len(ordered), self._batch_size):
            yield from self._answer_batch(ordered[start : start + self._batch_size])

    def _answer_batch(self, batch: Sequence[Prompt]) -> Iterator[Answer]:
        good: list[tuple[Prompt, Image]] = []
        for prompt in batch:
            try:
                good.append((prompt, load_image(prompt.image)))
            except InputError as error:
                yield Answer(prompt.id, None, str(error))
        if not good:
            return
        try:
            yield from self._generate(good)
            return
        except (ValueError, RuntimeError, IndexError, TypeError, KeyError) as error:
            if len(good) == 1:
                yield Answer(good[0][0].id, None, _one_line(error))
                return
        # One bad prompt must not take the others with it: ask each alone, and keep the reason of the bad one.
        for item in good:
            try:
                yield from self._generate([item])
            except (ValueError, RuntimeError, IndexError, TypeError, KeyError) as error:
                yield Answer(item[0].id, None, _one_line(error))

    def _generate(self, items: Sequence[tuple[Prompt, Image]]) -> list[Answer]:
        texts = [
            self._processor.apply_chat_template(
                [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt.text}]}],
                add_generation_prompt=True,
                tokenize=False,
            )
            for prompt, _ in items
        ]
        inputs = self._processor(
            text=texts, images=[[image] for _, image in items], padding=True, return_tensors="pt"
        ).to(self._model.device)
        for key, value in inputs.items():
            if self._torch.is_floating_point(value):
                inputs[key] = value.to(self._model.dtype)
        if self._temperature:
            # Drawn by the seed and the prompts of the batch, so that the same command gives the same answers.
            named = f"{self._seed} {' '.join(prompt.id for prompt, _ in items)}"
            self._torch.manual_seed(int.from_bytes(hashlib.sha256(named.encode()).digest()[:8], "big"))
        with self._torch.inference_mode():
            output = self._model.generate(**inputs, generation_config=self._generation)
        new = output[:, inputs["input_ids"].shape[1] :]
        eos = self._generation.eos_token_id
        stops = set(eos) if isinstance(eos, (list, tuple)) else {eos}
        answers = []
        for (prompt, _), tokens in zip(items, new.tolist(), strict=True):
            end = next((i for i, token in enumerate(tokens) if token in stops), None)
            kept = tokens if end is None else tokens[:end]
            text = self._processor.tokenizer.decode(kept, skip_special_tokens=True)
            count = len(kept) + (end is not None)
            answers.append(Answer(prompt.id, text, None, "length" if end is None else "stop", count))
        return answers


def _one_line(error: BaseException) -> str:
    return shorten(f"{type(error).__name__}: {' '.join(str(error).split())}", 300)
