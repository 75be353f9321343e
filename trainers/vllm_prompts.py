"""What vLLM is shown when it writes the completions: the prompts that are trained on, and no others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import trl
from trl import GRPOTrainer

from trainers.guards import TrainingStoppedError


def show_the_trained_prompts(trainer: GRPOTrainer, processor: Any) -> None:
    """Let vLLM read each prompt and image as the trainer does; without `use_vllm` there is nothing to do.

    In either of TRL's modes vLLM keeps what the vision tower made of an image when the tower's weights have changed.
    And it may write an image's placeholder into a completion, which ends the run.

    Colocated, TRL hands over prompts in which an image's placeholder is there once for each of its tokens. vLLM repeats
    it once more, and answers a prompt whose image is followed by as many empty places (huggingface/trl#6294). vLLM also
    shrinks images by the bounds in the model's folder, not the recipe's.

    A server shrinks images by the bounds that it was started with, and TRL puts whatever comes of it in the places of
    the trainer's tokens. What it writes TRL 1.16 can't read if it is vLLM 0.32 or later.

    Whatever makes the prompts differ still ends the run with TrainingStoppedError: completions of another prompt teach
    nothing.
    """
    if not trainer.use_vllm:
        return
    writer, image = trainer.vllm_generation, processor.image_token_id
    bias = writer.generation_kwargs.get("logit_bias") or {}
    writer.generation_kwargs = writer.generation_kwargs | {"logit_bias": bias | {image: -100.0}}
    if trainer.args.vllm_mode == "colocate":
        _beside_the_trainer(trainer, processor)
    elif hasattr(writer, "vllm_client"):  # in the main process alone
        _from_a_server(trainer, processor)


def _beside_the_trainer(trainer: GRPOTrainer, processor: Any) -> None:
    llm = trainer.vllm_generation.llm
    generate, image = llm.generate, processor.image_token_id
    bounds = _bounds(processor)
    pixels = {"mm_processor_kwargs": {"size": bounds}} if bounds else {}

    def generate_as_trained(prompts: Sequence[dict[str, Any]], **options: Any) -> Any:
        llm.llm_engine.reset_encoder_cache()
        once = [row | {"prompt_token_ids": placeholders_once(row["prompt_token_ids"], image)} for row in prompts]
        shown = [row | pixels if "multi_modal_data" in row else row for row in once]
        outputs = generate(shown, **options)
        for row, short, output in zip(prompts, once, outputs, strict=True):
            trained, seen = list(row["prompt_token_ids"]), list(output.prompt_token_ids)
            # A TRL that hands over one placeholder an image itself doesn't say how many tokens it trains on.
            if seen != trained and trained != short["prompt_token_ids"]:
                raise TrainingStoppedError(
                    f"step {trainer.state.global_step + 1}: vLLM reads a prompt of {len(seen)} tokens, "
                    f"{seen.count(image)} of images, where {len(trained)}, {trained.count(image)} of images, "
                    "are trained on"
                )
        return outputs

    llm.generate = generate_as_trained


def _from_a_server(trainer: GRPOTrainer, processor: Any) -> None:
    writer = trainer.vllm_generation
    if not hasattr(writer, "_place_features"):
        raise RuntimeError(f"TRL {trl.__version__} hands images to a vLLM server in another way: install trl 1.16")
    client = writer.vllm_client
    place, reset, post = writer._place_features, client.reset_prefix_cache, client._post

    def place_the_same(features: dict[str, Any] | None, prompt: list[int]) -> dict[str, Any] | None:
        placed: dict[str, Any] | None = place(features, prompt)
        if features is not None and placed is not None:
            seen, trained = (
                [run["length"] for run in either["mm_placeholders"]["image"]] for either in (features, placed)
            )
            if seen != trained:
                raise TrainingStoppedError(
                    f"step {trainer.state.global_step + 1}: the vLLM server makes {seen} tokens of a prompt's images "
                    f"where {trained} are trained on: start it with --mm-processor-kwargs "
                    f"'{{\"size\": {json.dumps(_bounds(processor))}}}'"
                )
        return placed

    def reset_caches() -> None:
        reset()
        client.session.post(f"{client.base_url}/reset_encoder_cache").raise_for_status()

    def post_and_read(url: str, **options: Any) -> Any:
        return with_token_names(post(url, **options))

    writer._place_features = place_the_same
    client.reset_prefix_cache = reset_caches
    client._post = post_and_read


def _bounds(processor: Any) -> dict[str, int]:
    """Fewest and most pixels that an image may keep, or nothing for a family that isn't bound by them."""
    size = getattr(processor.image_processor, "size", None) or {}
    return {name: size[name] for name in ("shortest_edge", "longest_edge") if "longest_edge" in size}


def placeholders_once(ids: Sequence[int], image: int) -> list[int]:
    """Leave one of each run of image placeholders.

    >>> placeholders_once([5, 9, 9, 9, 6, 9, 9, 7], image=9)
    [5, 9, 6, 9, 7]
    """
    return [token for place, token in enumerate(ids) if token != image or place == 0 or ids[place - 1] != image]


def with_token_names(answer: dict[str, Any]) -> dict[str, Any]:
    """Name the tokens of a server's answer as vLLM before 0.32 did, which is what TRL 1.16 looks for.

    >>> entry = {"token_id": 7, "logprob": -0.5, "top_logprobs": [{"token_id": 7, "logprob": -0.5}]}
    >>> read = with_token_names({"choices": [{"logprobs": {"content": [entry]}}]})
    >>> read["choices"][0]["logprobs"]["content"][0]["token"]
    'token_id:7'
    """
    for choice in answer.get("choices", []):
        for position in (choice.get("logprobs") or {}).get("content") or []:
            for entry in (position, *position["top_logprobs"]):
                if "token_id" in entry:
                    entry["token"] = f"token_id:{entry['token_id']}"
    return answer
