"""OpenRLHF's example: its script up to Ray, its data set, its executor with our reward on recorded answers."""

from __future__ import annotations

import asyncio
import shlex
from types import SimpleNamespace
from typing import Any

from examples import CHECKPOINT, PAGES, SETS, Row, check_prompt, check_rewards, prepared
from until_ray import configuration

PROGRAM = ["exec", "python", "-m", "openrlhf.cli.train_ppo_ray"]


class Recorded:
    """Answers in the place of vLLM, which needs a GPU; keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: list[int] = []
        self.prompt: list[int] = []
        self.images: list[Any] = []

    async def generate(self, prompt: Any, _params: Any, multi_modal_data: Any = None, **_: Any) -> Any:
        """Return what vLLM would."""
        self.prompt, self.images = prompt, (multi_modal_data or {}).get("image", [])
        output = SimpleNamespace(token_ids=self.answer, text="", finish_reason="stop", logprobs=None)
        return SimpleNamespace(outputs=[output])


def load() -> Any:
    """Run the script's command up to Ray; returns its arguments, which OpenRLHF has checked."""
    script = (PAGES / "openrlhf" / "grpo.sh").read_text(encoding="utf-8")
    words = shlex.split(script.replace("\\\n", " "), comments=True)
    assert words[:4] == PROGRAM, words[:4]
    assert words[-1] == "$@"
    overrides = [
        "--data.prompt_dataset",
        str(SETS / "shapes-openrlhf" / "train.parquet"),
        "--actor.model_name_or_path",
        str(CHECKPOINT),
    ]
    arguments = configuration(
        PROGRAM[-1], [*words[4:-1], *overrides], "train", "args", absent=("vllm", "flash_attn", "deepspeed")
    )
    print("script: parsed and checked by OpenRLHF up to Ray")
    return arguments


async def check(arguments: Any, rows: list[Row]) -> None:
    """Take every row through OpenRLHF: data set, processor, executor, reward."""
    import torch
    from openrlhf.datasets import PromptDataset  # type: ignore[import-not-found]
    from openrlhf.datasets.utils import blending_datasets  # type: ignore[import-not-found]
    from openrlhf.utils.agent import SingleTurnAgentExecutor  # type: ignore[import-not-found]
    from openrlhf.utils.utils import get_tokenizer  # type: ignore[import-not-found]

    strategy = SimpleNamespace(args=arguments, print=print, is_rank_0=lambda: True)
    processor = get_tokenizer(arguments.actor.model_name_or_path, None, "left", strategy)
    table = blending_datasets(arguments.data.prompt_dataset, None, strategy, arguments.train.seed)
    data = PromptDataset(table, processor, strategy, input_template=arguments.data.input_template)
    assert len(data) == len(rows)
    (reward,) = arguments.reward.remote_url
    executor = SingleTurnAgentExecutor(reward)
    params = SimpleNamespace(max_tokens=arguments.rollout.max_new_tokens, logprobs=None)
    engine = Recorded()
    paid = []
    for number, row in enumerate(rows):
        assert table[number]["id"] == row.id
        _, prompt, label, images = data[number]
        engine.answer = processor.tokenizer(f"{row.answer}<|im_end|>")["input_ids"]
        result = await executor.execute(prompt, label, params, arguments.data.max_len, processor, engine, images=images)
        # It strips what stands around the image's place.
        check_prompt(prompt, row, newline="")
        assert len(engine.images) == 1, engine.images
        paid.append(torch.tensor([result["reward"]]).item())
    print(f"data: {len(data)} rows by OpenRLHF's data set, prompts as vrft-eval's but for a newline, an image each")
    check_rewards(paid, rows, "reward")


if __name__ == "__main__":
    asyncio.run(check(load(), prepared()))
