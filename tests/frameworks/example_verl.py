"""verl's example: its launch line up to Ray, its data through verl's rollout, its reward through verl's manager."""

from __future__ import annotations

import asyncio
from typing import Any

from examples import CHECKPOINT, PAGES, SETS, Row, check_prompt, check_rewards, launch_line, prepared
from until_ray import configuration


class Recorded:
    """Answers in the place of verl's vLLM server, which needs a GPU."""

    def __init__(self) -> None:
        self.tokens: list[int] = []

    async def generate(self, **_: Any) -> Any:
        """Return what the server would."""
        from verl.workers.rollout.replica import TokenOutput  # type: ignore[import-not-found]

        return TokenOutput(token_ids=self.tokens)


def check_keys(ours: dict[str, Any], theirs: dict[str, Any], place: str = "") -> int:
    """Check that verl's own configuration has every key of ours, since Hydra takes any; returns how many."""
    count = 0
    for name, value in ours.items():
        if place == "" and name == "defaults":
            continue
        where = f"{place}.{name}".lstrip(".")
        if where == "reward.custom_reward_function.reward_kwargs" or place == "data.mm_processor_kwargs":
            continue  # any of the reward's and of the processor's
        assert name in theirs, f"verl has no {where}"
        count += check_keys(value, theirs[name], where) if isinstance(value, dict) else 1
    return count


def load() -> Any:
    """Run the launch line up to Ray; returns the configuration, which verl has checked."""
    from hydra import compose, initialize_config_module  # type: ignore[import-not-found]
    from omegaconf import OmegaConf  # type: ignore[import-not-found]
    from verl.utils.config import omega_conf_to_dataclass  # type: ignore[import-not-found]

    with initialize_config_module("verl.trainer.config", version_base=None):
        base = compose("ppo_trainer")
    ours = OmegaConf.to_container(OmegaConf.load(PAGES / "verl" / "grpo.yaml"))
    keys = check_keys(ours, OmegaConf.to_container(base))
    overrides = [
        f"data.train_files={SETS}/shapes-verl/train.parquet",
        f"actor_rollout_ref.model.path={CHECKPOINT}",
        f"hydra.run.dir={SETS}/hydra",
    ]
    arguments = launch_line("verl", "python", "-m", "verl.trainer.main_ppo")
    config = configuration("verl.trainer.main_ppo", [*arguments, *overrides], "run_ppo", "config")
    for part in (config.actor_rollout_ref.rollout, config.actor_rollout_ref.model, config.algorithm):
        omega_conf_to_dataclass(part)
    print(f"launch line: checked by verl up to Ray; {keys} keys are verl's own")
    return config


def check(config: Any, rows: list[Row]) -> None:
    """Take every row through verl: data set, rollout of a recorded answer, reward manager."""
    import torch
    from tensordict import TensorDict  # type: ignore[import-not-found]
    from verl import DataProto  # type: ignore[import-not-found]
    from verl.experimental.agent_loop.agent_loop import DictConfigWrap  # type: ignore[import-not-found]
    from verl.experimental.agent_loop.single_turn_agent_loop import (  # type: ignore[import-not-found]
        SingleTurnAgentLoop,
    )
    from verl.trainer.ppo.reward import load_reward_manager  # type: ignore[import-not-found]
    from verl.trainer.ppo.utils import create_rl_dataset  # type: ignore[import-not-found]
    from verl.utils import hf_processor, hf_tokenizer  # type: ignore[import-not-found]
    from verl.utils.dataset.rl_dataset import collate_fn  # type: ignore[import-not-found]

    tokenizer, processor = hf_tokenizer(str(CHECKPOINT)), hf_processor(str(CHECKPOINT))
    data = create_rl_dataset(config.data.train_files, config.data, tokenizer, processor)
    assert len(data) == len(rows), "rows were filtered"
    manager = load_reward_manager(config, tokenizer)
    server = Recorded()
    loop = SingleTurnAgentLoop(
        DictConfigWrap(config), server, tokenizer, processor, type(data), DictConfigWrap(config.data), "qwen2_vl"
    )
    paid = []
    for number, row in enumerate(rows):
        item = data[number]
        assert (item["extra_info"]["id"], item["index"]) == (row.id, number)
        server.tokens = [*tokenizer.encode(row.answer), tokenizer.eos_token_id]
        output = manager.loop.run_until_complete(loop.run({}, **item))
        check_prompt(tokenizer.decode(output.prompt_ids), row)
        assert len(output.multi_modal_data["images"]) == 1
        responses = torch.tensor([output.response_ids])
        prompts = torch.tensor([output.prompt_ids])
        columns = collate_fn([{name: value for name, value in item.items() if not torch.is_tensor(value)}])
        batch = DataProto(
            batch=TensorDict(
                {
                    "prompts": prompts,
                    "responses": responses,
                    "attention_mask": torch.ones((1, prompts.shape[1] + responses.shape[1]), dtype=torch.long),
                },
                batch_size=1,
            ),
            non_tensor_batch=columns,
        )
        result = manager.loop.run_until_complete(manager.run_single(batch))
        paid.append(result["reward_score"])
    print(f"data: {len(data)} rows by verl's data set, prompts of verl's agent loop as vrft-eval's, an image each")
    check_rewards(paid, rows, "reward")


if __name__ == "__main__":
    asyncio.set_event_loop(asyncio.new_event_loop())
    check(load(), prepared())
