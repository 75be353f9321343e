"""OpenRLHF: its single-turn executor fetches rewards from our file, and over HTTP from `vrft-rewards serve`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from common import COMPLETIONS, PARTS, TRUTH_TEXT, check_same
from tiny_tokenizer import make_tokenizer

from vrft_rewards.adapters import path_of

PROMPT = "<|im_start|>user\n<|image_pad|>Find it: <answer>boxes</answer><|im_end|>\n<|im_start|>assistant\n"


class Recorded:
    """Answers with a recorded completion where OpenRLHF has a vLLM engine, which needs a GPU."""

    def __init__(self, tokenizer: Any, text: str) -> None:
        self.tokens = tokenizer(text + "<|im_end|>")["input_ids"]

    async def generate(self, _prompt: Any, _params: Any, **_: Any) -> Any:
        """Return what vLLM would."""
        output = SimpleNamespace(token_ids=self.tokens, text="", finish_reason="stop", logprobs=None)
        return SimpleNamespace(outputs=[output])


async def rewards_from(url: str) -> list[dict[str, Any]]:
    """Return what the executor makes of every completion."""
    from openrlhf.utils.agent import SingleTurnAgentExecutor  # type: ignore[import-not-found]

    tokenizer = make_tokenizer()
    executor = SingleTurnAgentExecutor(url)
    params = SimpleNamespace(max_tokens=4096, logprobs=None)
    results = []
    for text in COMPLETIONS:
        engine = Recorded(tokenizer, text)
        results.append(await executor.execute(PROMPT, TRUTH_TEXT, params, 8192, tokenizer, engine))
    return results


def check(results: list[dict[str, Any]], what: str) -> None:
    """Check rewards, scores and logs as the trainer's own code turns them into tensors."""
    import torch

    assert all(tuple(result["extra_logs"]) == PARTS for result in results), results
    check_same([torch.tensor([result["reward"]]).item() for result in results], what)
    scores = [torch.tensor([result["scores"]]).item() for result in results]
    assert all(0.0 <= score <= 1.0 for score in scores)


async def main() -> None:
    """Run the check."""
    import torch

    print(f"openrlhf {version('openrlhf')}, torch {torch.__version__}")
    os.environ["VRFT_REWARD_TASK"] = "detection"
    check(await rewards_from(str(path_of("openrlhf"))), "file")
    command = [sys.executable, "-m", "vrft_rewards.serve", "--task", "detection", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split(" on ")[1].strip()
        check(await rewards_from(f"{url}/get_reward"), "HTTP")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    asyncio.run(main())
