"""What a model can be asked: checked before a prompt is queued, since vLLM gives up all that is queued at a bad one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vrft_eval.backends.chunks import one_line
from vrft_eval.backends.pixels import bound_pixels
from vrft_eval.backends.protocol import Prompt
from vrft_eval.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image


class Requests:
    """The model's own processor, asked how many tokens a prompt comes to.

    `bounds` are the bounds on an image's pixels as the processor names them, None for its own. Raises InputError for a
    processor that can't be loaded or takes no images.
    """

    def __init__(self, model: str | Path, min_pixels: int | None, max_pixels: int | None) -> None:
        from transformers import AutoProcessor

        # transformers leaves it untyped.
        auto: Any = AutoProcessor
        try:
            self._processor = auto.from_pretrained(model)
        except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
            raise InputError(f"the model can't be loaded: {one_line(error)}", file=model) from error
        if not hasattr(self._processor, "image_processor"):
            raise InputError("the model takes no images: its processor has no image processor", file=model)
        self.bounds = bound_pixels(self._processor.image_processor, min_pixels, max_pixels)
        self._marker = getattr(self._processor, "image_token", None)
        self._around = len(self._rendered(""))

    def wrong(self, prompt: Prompt, image: Image, room: int, length: int) -> str | None:
        """Why a prompt can't be asked, or None. It may have `room` tokens of the `length` that the engine takes."""
        if self._marker and self._marker in prompt.text:
            return f"the prompt holds {self._marker}, which stands for an image"
        try:
            of_image = self._image_tokens(image)
        except ValueError as error:
            return f"an image of {image.width}x{image.height} can't be used: {' '.join(str(error).split())}"
        # A token is one byte of text or more: a prompt that fits by its bytes needs no tokenizer.
        if self._around + len(prompt.text.encode("utf-8", "replace")) + of_image <= room:
            return None
        tokens = of_image + self._text_tokens(prompt.text)
        if tokens <= room:
            return None
        return (
            f"the prompt is {tokens} tokens, {of_image} of them the image's, and its answer may have {length - room}: "
            f"more than the {length} that the engine takes; lower --max-pixels or --max-new-tokens, or raise "
            "--max-model-len"
        )

    def _image_tokens(self, image: Image) -> int:
        """By the processor's own arithmetic, where it has it (the Qwen-VL family); elsewhere vLLM's check remains."""
        processor = self._processor.image_processor
        if not hasattr(processor, "get_number_of_image_patches"):
            return 0
        patches: int = processor.get_number_of_image_patches(image.height, image.width, {})
        return patches // int(getattr(processor, "merge_size", 1)) ** 2

    def _rendered(self, text: str) -> str:
        messages = Prompt("", Path(), text).messages({"type": "image"})
        rendered: str = self._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return rendered

    def _text_tokens(self, text: str) -> int:
        text = self._rendered(text).encode("utf-8", "replace").decode()
        return len(self._processor.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
