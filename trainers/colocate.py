"""What vLLM is shown when it writes completions beside the trainer: the prompts that are trained on, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trl import GRPOTrainer

from trainers.guards import TrainingStoppedError


def show_the_trained_prompts(trainer: GRPOTrainer, processor: Any) -> None:
    """Let colocated vLLM read each prompt and image as the trainer does; without colocated vLLM there is nothing to do.

    TRL hands vLLM prompts in which an image's placeholder is there once for each of its tokens. vLLM repeats it once
    more, and answers a prompt whose image is followed by as many empty places (huggingface/trl#6294). vLLM also
    shrinks images by the bounds in the model's folder, not the recipe's, and what the vision tower made of an image
    it keeps when the tower's weights have changed. And it may write an image's placeholder into a completion, which
    ends the run. Whatever else makes the prompts differ ends it with TrainingStoppedError: completions of another
    prompt teach nothing.
    """
    if not trainer.use_vllm or trainer.args.vllm_mode != "colocate":
        return
    llm = trainer.vllm_generation.llm
    generate, image = llm.generate, processor.image_token_id
    size = dict(getattr(processor.image_processor, "size", None) or {})
    pixels = {"mm_processor_kwargs": {"size": size}} if "longest_edge" in size else {}

    def generate_as_trained(prompts: Sequence[dict[str, Any]], *, sampling_params: Any, **options: Any) -> Any:
        llm.llm_engine.reset_encoder_cache()
        sampling_params.logit_bias = (sampling_params.logit_bias or {}) | {image: -100.0}
        once = [row | {"prompt_token_ids": placeholders_once(row["prompt_token_ids"], image)} for row in prompts]
        shown = [row | pixels if "multi_modal_data" in row else row for row in once]
        outputs = generate(shown, sampling_params=sampling_params, **options)
        for row, short, output in zip(prompts, once, outputs, strict=True):
            trained, seen = list(row["prompt_token_ids"]), list(output.prompt_token_ids)
            # A TRL that hands over one placeholder an image itself doesn't say how many tokens it trains on.
            if seen != trained and trained != short["prompt_token_ids"]:
                step, images = trainer.state.global_step + 1, f"{seen.count(image)} of images"
                raise TrainingStoppedError(
                    f"step {step}: vLLM reads a prompt of {len(seen)} tokens, {images}, "
                    f"where {len(trained)}, {trained.count(image)} of images, are trained on"
                )
        return outputs

    llm.generate = generate_as_trained


def placeholders_once(ids: Sequence[int], image: int) -> list[int]:
    """Leave one of each run of image placeholders.

    >>> placeholders_once([5, 9, 9, 9, 6, 9, 9, 7], image=9)
    [5, 9, 6, 9, 7]
    """
    return [token for place, token in enumerate(ids) if token != image or place == 0 or ids[place - 1] != image]
