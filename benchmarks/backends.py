"""What a backend costs: `python benchmarks/backends.py`, in the environment that `make test-vllm` makes.

The shipped checkpoint answers the prompts of shapes-detection, greedily. Compared are, as ratios of prompts a second:

- *ours*: the vllm backend, from image files to answers, against *bare*: one `LLM.chat` over all the same prompts on
  the same engine, their images opened beforehand. They take turns, and vLLM's caches are emptied before each;
- *ours* against *one by one*: transformers as the released evaluation scripts have it (chat template, processor,
  `generate`, decode, for one prompt after the other), on the same machine while the engine idles;
- *batched*: our transformers backend, for comparison.

`--only memory` scores 100,000 recorded answers with `vrft-eval score` and prints the peak memory of that command.
Exits with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from vrft_eval.backends import Prompt, Sampling
from vrft_eval.backends.transformers_backend import TransformersBackend
from vrft_eval.commands import DataPaths, Generation, make_reading, plan_run
from vrft_eval.demo import checkpoint
from vrft_eval.demo.data import write_dataset
from vrft_eval.tasks import get_task

BARE, LOOP, GIGABYTES = 0.95, 5.0, 1.0
RECORDED = 100_000
SAMPLING = Sampling(max_new_tokens=256)


def prompts_of(folder: Path, count: int) -> list[Prompt]:
    """The first `count` prompts of shapes-detection, whose data is written there."""
    spec = get_task("shapes-detection")
    write_dataset(spec.name, folder / "data", count, seed=0)
    reading = make_reading(spec, "norm1000", "default", None, resamples=0)
    run = plan_run(
        spec, "demo", folder / "run", paths=DataPaths(folder / "data"), generation=Generation("vllm"), reading=reading
    )
    return run.pending()[:count]


class Rates:
    """Prompts a second, by contender, and the last answers of each."""

    def __init__(self) -> None:
        self.rounds: dict[str, list[float]] = {}
        self.answers: dict[str, dict[str, str]] = {}

    def measure(self, name: str, ask: Callable[[list[Prompt]], dict[str, str]], prompts: list[Prompt]) -> None:
        """Ask all prompts, and note how fast that was."""
        start = time.perf_counter()
        self.answers[name] = ask(prompts)
        self.rounds.setdefault(name, []).append(len(prompts) / (time.perf_counter() - start))

    def ratios(self, name: str, other: str) -> list[float]:
        """How many times as fast one was as the other, round by round."""
        return [one / two for one, two in zip(self.rounds[name], self.rounds[other], strict=True)]

    def same(self, name: str, other: str) -> float:
        """The share of identical answers, of the prompts that both were asked."""
        one, two = self.answers[name], self.answers[other]
        both = one.keys() & two.keys()
        return sum(one[key] == two[key] for key in both) / len(both)


def through(backend: Any) -> Callable[[list[Prompt]], dict[str, str]]:
    """Ask a backend of ours."""
    return lambda prompts: {answer.id: answer.completion or "" for answer in backend.answer(prompts, SAMPLING)}


def bare(llm: Any) -> Callable[[list[Prompt]], dict[str, str]]:
    """One LLM.chat over all prompts."""
    from vllm import SamplingParams

    def ask(prompts: list[Prompt]) -> dict[str, str]:
        chats = []
        for prompt in prompts:
            with Image.open(prompt.image) as image:
                chats.append(prompt.messages({"type": "image_pil", "image_pil": image.convert("RGB")}))
        parameters = SamplingParams(temperature=0.0, max_tokens=SAMPLING.max_new_tokens)
        outputs = llm.chat(chats, parameters, use_tqdm=False)
        return {prompt.id: output.outputs[0].text for prompt, output in zip(prompts, outputs, strict=True)}

    return ask


def one_by_one(folder: Path) -> Callable[[list[Prompt]], dict[str, str]]:
    """The released scripts' loop."""
    import torch
    from transformers import AutoProcessor, Qwen2VLForConditionalGeneration

    model = Qwen2VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(folder)

    def ask(prompts: list[Prompt]) -> dict[str, str]:
        found = {}
        for prompt in prompts:
            chat = prompt.messages({"type": "image"})
            text = processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            with Image.open(prompt.image) as image:
                inputs = processor(text=[text], images=[image.convert("RGB")], padding=True, return_tensors="pt")
            with torch.inference_mode():
                whole = model.generate(**inputs, max_new_tokens=SAMPLING.max_new_tokens, do_sample=False)
            new = whole[:, inputs["input_ids"].shape[1] :]
            found[prompt.id] = processor.batch_decode(new, skip_special_tokens=True)[0]
        return found

    return ask


def speed(folder: Path, count: int, rounds: int, slow: int) -> bool:
    """Print how fast each is; whether the limits are kept."""
    from vllm import __version__

    from vrft_eval.backends.vllm_backend import VLLMBackend
    from vrft_eval.backends.vllm_engine import Engine

    prompts, rates, model = prompts_of(folder, count), Rates(), checkpoint("rft")
    backend = VLLMBackend(model)
    engine: Engine = backend._engine  # type: ignore[assignment]
    contenders = {
        "ours": through(backend),
        "bare": bare(engine.llm),
        "one by one": one_by_one(model),
        "batched": through(TransformersBackend(model)),
    }
    for turn in range(rounds + 1):
        # The first round only warms up; who begins changes from round to round.
        for name in sorted(contenders, reverse=bool(turn % 2)):
            engine.llm.reset_mm_cache()
            engine.llm.llm_engine.reset_encoder_cache()
            engine.llm.reset_prefix_cache()
            some = prompts if name in ("ours", "bare") else prompts[:slow]
            (rates if turn else Rates()).measure(name, contenders[name], some)
    backend.close()
    to_bare, to_loop = rates.ratios("ours", "bare"), rates.ratios("ours", "one by one")
    print(f"{len(prompts):,} prompts, {rounds} rounds; vLLM {__version__}, {os.cpu_count()} cores\n")
    print("| times as fast | median | lowest to highest | identical answers | limit |\n|---|---|---|---|---|")
    for name, ratios, other, limit in (
        ("ours to a bare LLM.chat", to_bare, "bare", f"{BARE:g} at least"),
        ("ours to transformers, one prompt at a time", to_loop, "one by one", f"{LOOP:g} at least"),
        ("ours to our batched transformers", rates.ratios("ours", "batched"), "batched", ""),
    ):
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"| {name} | {statistics.median(ratios):.2f} | {spread} | {rates.same('ours', other):.1%} | {limit} |")
    print(flush=True)
    return statistics.median(to_bare) >= BARE and statistics.median(to_loop) >= LOOP


GENERATE = """
import sys
from pathlib import Path
from metrics import generate
generate(Path(sys.argv[1]), 26_500, 80, lvis=False)
"""
# A process's children are measured together, so the command is the only child of one.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def memory(folder: Path) -> bool:
    """Score recorded answers by the command, and print its peak memory."""
    subprocess.run([sys.executable, "-c", GENERATE, str(folder)], cwd=Path(__file__).parent, check=True)
    recorded = folder / "responses.jsonl"
    lines = recorded.read_bytes().splitlines(keepends=True)
    assert len(lines) >= RECORDED
    recorded.write_bytes(b"".join(lines[:RECORDED]))
    command = [
        *(str(Path(sys.executable).with_name("vrft-eval")), "score", "detection", "--data", str(folder)),
        *("--responses", str(recorded), "--out", str(folder / "run")),
    ]
    measured = subprocess.run([sys.executable, "-c", MEASURE, *command], check=True, capture_output=True, text=True)
    peak = int(measured.stdout) / 1e9
    counts = json.loads((folder / "run" / "report.json").read_text(encoding="utf-8"))["counts"]
    print("| recorded answers | images | true boxes | peak memory | limit |\n|---|---|---|---|---|")
    print(f"| {counts['answered']:,} | {counts['images']:,} | {counts['true_boxes']:,} | {peak:.2f} GB |", end="")
    print(f" {GIGABYTES:g} GB |")
    return peak < GIGABYTES


def main() -> int:
    """Print the tables; exit with 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-prompts", type=int, default=64, help="of transformers, in a round")
    parser.add_argument("--only", choices=["speed", "memory"])
    options = parser.parse_args()
    kept = True
    with tempfile.TemporaryDirectory() as name:
        if options.only != "memory":
            kept = speed(Path(name) / "speed", options.prompts, options.rounds, options.slow_prompts)
        if options.only != "speed":
            kept = memory(Path(name) / "memory") and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
