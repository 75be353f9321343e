"""Make what the examples' checks read: ``python tests/frameworks/prepare.py FOLDER``.

A training set, the same in the form of every framework, by the commands that docs/frameworks gives, and one answer of
the small shipped model to each of its questions.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from datasets import load_from_disk

from trainers.data.__main__ import main as data_command
from vrft_eval.backends.protocol import Prompt, Sampling
from vrft_eval.backends.transformers_backend import TransformersBackend

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "vrft_eval" / "demo" / "checkpoints" / "sft"
FORMS = ("verl", "easyr1", "ms-swift", "openrlhf")
IMAGE_LINE = "<image>\n"


def prepare(folder: Path) -> None:
    """Write the sets, and `answers.jsonl` with a line for each of their rows, in their order."""
    shutil.rmtree(folder, ignore_errors=True)
    run("shapes-detection", "--count", "32", "--negatives", "0.25", "--out", str(folder / "shapes"))
    for form in FORMS:
        run("convert", str(folder / "shapes"), "--to", form, "--out", str(folder / f"shapes-{form}"))
    rows = load_from_disk(str(folder / "shapes"))
    images = folder / "images"
    images.mkdir()
    prompts = []
    for number, row in enumerate(rows):
        row["image"].save(images / f"{number}.png")
        # As a framework asks it, which puts the image itself where the paper's line is.
        question = row["problem"].removeprefix(IMAGE_LINE)
        prompts.append(Prompt(id=str(number), image=images / f"{number}.png", text=f"\n{question}"))
    backend = TransformersBackend(CHECKPOINT)
    sampling = Sampling(max_new_tokens=128, temperature=1.0)
    said = {answer.id: answer.completion for answer in backend.answer(prompts, sampling)}
    with (folder / "answers.jsonl").open("w", encoding="utf-8") as stream:
        for number, row in enumerate(rows):
            line = {
                "id": row["id"],
                "question": row["problem"].removeprefix(IMAGE_LINE),
                "boxes": row["boxes"],
                "answer": said[str(number)],
            }
            stream.write(json.dumps(line) + "\n")


def run(*arguments: str) -> None:
    """Run ``python -m trainers.data``. Raises SystemExit when it fails."""
    if data_command(list(arguments)):
        sys.exit(f"python -m trainers.data {' '.join(arguments)} failed")


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
