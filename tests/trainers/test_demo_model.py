"""The small Qwen2-VL that we train: its parts are the stock ones, its training examples earn full rewards."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor, Qwen2VLProcessor

from trainers.demo.examples import CONFIDENCES, DENSE_CLASSES, TASKS, make_example, make_thought
from trainers.demo.fast_cpu import speed_up
from trainers.demo.grpo import REWARD
from trainers.demo.model import SPECIAL_TOKENS, build_model, build_processor, save_checkpoint
from trainers.demo.supervised import DenseHead, _decisions, encode
from trainers.demo.tuning import training_set
from vrft_rewards import visual_rft_format


@pytest.fixture(scope="module")
def processor() -> Qwen2VLProcessor:
    return build_processor()


@pytest.mark.parametrize("seed", range(60))
def test_a_written_answer_earns_full_marks(seed: int) -> None:
    example = make_example(seed)
    reward = REWARD.tasks[example.task].reward
    score = reward.score(example.answer, example.truth)
    assert visual_rft_format(example.answer)
    for part, value in score.parts.items():
        if part == "confidence":  # drawn at random: half is paid for the hit, half by the Brier rule
            assert 1 - (1 - min(CONFIDENCES)) ** 2 / 2 <= value + 1e-9, score.reason
            assert value <= 1 - (1 - max(CONFIDENCES)) ** 2 / 2 + 1e-9 or example.truth == [], score.reason
        else:
            assert value == pytest.approx(1.0), score.reason


def test_the_examples_mix_all_tasks_and_negatives() -> None:
    examples = [make_example(seed) for seed in range(400)]
    assert {e.task for e in examples} == set(TASKS)
    detections = [e for e in examples if e.task == "detection"]
    negatives = [e for e in detections if e.truth == []]
    assert 0.1 < len(negatives) / len(detections) < 0.3
    assert all("No Objects" in e.answer for e in negatives)


def test_dense_targets_name_what_lies_there() -> None:
    for seed in range(100):
        example = make_example(seed)
        named = {DENSE_CLASSES[k] for k in example.targets.classes} - {"background"}
        if example.task == "classification":
            assert named == {example.truth}
        elif example.task == "detection" and example.truth:
            category = example.prompt.split("'")[1]
            assert category in named


def test_the_tokenizer_is_lossless_and_numbers_are_one_token(processor: Qwen2VLProcessor) -> None:
    tokenizer = processor.tokenizer
    for text in ("<think>a</think>\n<answer>[{'Position': [0, 12, 345, 1000]}]</answer>", "don't  ünï ✓ 🌼\t\n\n12345"):
        assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert all(len(tokenizer(str(number)).input_ids) == 1 for number in range(1001))
    assert all(len(tokenizer(token).input_ids) == 1 for token in SPECIAL_TOKENS)


def test_a_checkpoint_loads_with_the_plain_classes(processor: Qwen2VLProcessor, tmp_path: Path) -> None:
    model = build_model(processor.tokenizer)
    save_checkpoint(model, processor, tmp_path / "model", {"seed": 0})
    loaded = AutoProcessor.from_pretrained(tmp_path / "model")
    example = make_example(1)
    message = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": example.prompt}]}]
    texts = [p.apply_chat_template(message, tokenize=False, add_generation_prompt=True) for p in (processor, loaded)]
    assert texts[0] == texts[1]
    assert texts[0].endswith("<|im_start|>assistant\n")
    inputs = [p(text=[texts[0]], images=[example.image], return_tensors="pt")["input_ids"] for p in (processor, loaded)]
    assert torch.equal(inputs[0], inputs[1])
    assert int((inputs[0] == model.config.image_token_id).sum()) == 16
    again = AutoModelForImageTextToText.from_pretrained(tmp_path / "model", dtype=torch.float32)
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor.to(torch.float16).float()), name
    assert again.generation_config.eos_token_id == model.generation_config.eos_token_id


def test_the_fast_forward_pass_is_the_stock_one(processor: Qwen2VLProcessor) -> None:
    torch.manual_seed(0)
    model = build_model(processor.tokenizer)
    batch = [make_example(seed) for seed in range(6)]
    inputs, labels = encode(processor, batch)

    def gradients() -> dict[str, torch.Tensor]:
        model.zero_grad()
        model(**inputs, labels=labels).loss.backward()
        return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}

    stock = gradients()
    speed_up(model)
    fast = gradients()
    assert stock.keys() == fast.keys()
    for name, gradient in stock.items():
        torch.testing.assert_close(fast[name], gradient, rtol=1e-3, atol=1e-5)


def test_labels_are_the_answer_and_nothing_else(processor: Qwen2VLProcessor) -> None:
    batch = [make_example(seed) for seed in range(8)]
    _, labels = encode(processor, batch)
    for row, example in zip(labels, batch, strict=True):
        assert processor.tokenizer.decode(row[row != -100]) == example.answer + "<|im_end|>"


def test_a_batch_of_flowers_alone_has_a_finite_dense_loss() -> None:
    flowers = [e for e in map(make_example, range(60)) if e.task == "classification"][:4]
    loss, _ = DenseHead(8).loss(torch.zeros(16 * len(flowers), 8), flowers)
    assert torch.isfinite(loss)


def test_the_training_set_is_typed_and_a_function_of_its_seed() -> None:
    rows = training_set(0, 12)
    assert rows.features["boxes"].feature.feature.dtype == "int64"
    assert rows["prompt"] == training_set(0, 12)["prompt"] != training_set(1, 12)["prompt"]
    for row in rows:
        truth = row[REWARD.tasks[row["task"]].column]
        assert truth is not None


def test_a_made_up_thought_judges_and_counts_rightly() -> None:
    for seed in range(100):
        thought = make_thought(seed)
        category = thought.split("I look for ")[1].split(".")[0]
        seen = [item.split(": ") for item in thought.split("I see ")[1].split(".")[0].split(", ")]
        assert all((name == category) == (verdict == "yes") for name, verdict in seen)
        assert int(thought.split("Count: ")[1].split(".")[0]) == sum(verdict == "yes" for _, verdict in seen)


def test_the_deciding_tokens_are_yes_no_and_the_count(processor: Qwen2VLProcessor) -> None:
    tokenizer = processor.tokenizer
    for example in filter(lambda e: e.task == "detection", map(make_example, range(40))):
        ids = torch.tensor(tokenizer(example.answer).input_ids)
        words = tokenizer.convert_ids_to_tokens(ids[_decisions(processor, ids)].tolist())
        assert words[:-1] == re.findall(r": (yes|no)", example.answer)
        assert words[-1] == str(len(example.truth))
