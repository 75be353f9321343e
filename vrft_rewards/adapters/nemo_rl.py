"""NeMo-RL: a reward function ``(ground_truth, response) -> (float, bool or None)``, and an environment made of it.

`register()` in the launching process makes the environment known; its options stand under `env.<name>`.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vrft_rewards.adapters.options import rewards_for

__all__ = ["ENVIRONMENT", "make_reward_fn", "register"]

ENVIRONMENT = "vrft_rewards.adapters.nemo_rl.VrftEnvironment"
_OF_NEMO = frozenset({"num_workers", "stop_strings"})


def make_reward_fn(**options: Any) -> Callable[[object, object], tuple[float, bool | None]]:
    """Return a reward function with the options of `make_reward`.

    The flag is whether a label is right, and None for boxes, which are right by degrees. Raises ValueError for a bad
    option here, and for a bad ground truth (see `read_truth`) when it is called.

    >>> make_reward_fn(task="classification", labels=["rose"])("rose", "<think>Red.</think><answer>Rose</answer>")
    (2.0, True)
    """
    rewards = rewards_for(options)

    def vrft_reward(ground_truth: object, response: object) -> tuple[float, bool | None]:
        score = rewards.judge(response, ground_truth).score
        accuracy = score.parts.get("accuracy")
        return score.value, None if accuracy is None else accuracy == 1.0

    return vrft_reward


def register(name: str = "vrft", replace_vlm: bool = True) -> None:
    """Make the environment known to NeMo-RL under ``name``, and to its vision script.

    `run_vlm_grpo.py` takes the environment called "vlm" whatever the configuration says, so by default that entry is
    replaced, for this process only.
    """
    environments = importlib.import_module("nemo_rl.environments.utils")
    actors = importlib.import_module("nemo_rl.distributed.ray_actor_environment_registry")
    cluster = importlib.import_module("nemo_rl.distributed.virtual_cluster")
    actors.ACTOR_ENVIRONMENT_REGISTRY[ENVIRONMENT] = cluster.PY_EXECUTABLES.SYSTEM
    if name not in environments.ENV_REGISTRY:
        environments.register_env(name, ENVIRONMENT)
    if replace_vlm:
        environments.ENV_REGISTRY["vlm"] = {"actor_class_fqn": ENVIRONMENT}


def __getattr__(name: str) -> Any:
    # NeMo-RL looks the class up by name; it can only be made where NeMo-RL is installed.
    if name == "VrftEnvironment":
        return _environment()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@functools.lru_cache(maxsize=1)
def _environment() -> Any:
    interfaces = importlib.import_module("nemo_rl.environments.interfaces")
    remote = importlib.import_module("ray").remote
    tensor = importlib.import_module("torch").tensor

    class VrftEnvironment(interfaces.EnvironmentInterface):  # type: ignore[misc, name-defined]
        """One turn: the assistant's text is scored against ``metadata[i]["ground_truth"]``."""

        def __init__(self, cfg: Mapping[str, Any]) -> None:
            self.rewards = rewards_for({key: value for key, value in cfg.items() if key not in _OF_NEMO})

        def step(
            self, message_log_batch: Sequence[Sequence[Mapping[str, Any]]], metadata: Sequence[Mapping[str, Any]]
        ) -> Any:
            """Score a batch; raises ValueError naming the row for a bad ground truth."""
            values = []
            for row, (messages, about) in enumerate(zip(message_log_batch, metadata, strict=True)):
                texts = [str(item["content"]) for item in messages if item["role"] == "assistant"]
                truth = about.get("ground_truth")
                size, task = about.get("image_size"), about.get("task")
                values.append(self.rewards.judge("".join(texts), truth, task, size, row).score.value)
            return interfaces.EnvironmentReturn(
                observations=[{"role": "environment", "content": f"Environment: {value:.2f}"} for value in values],
                metadata=list(metadata),
                next_stop_strings=[None] * len(values),
                rewards=tensor(values),
                terminateds=tensor([1.0] * len(values)),
                answers=None,
            )

        def global_post_process_and_metrics(self, batch: Any) -> tuple[Any, dict[str, float]]:
            """Pay nothing for a response that was cut off, as NeMo-RL's own environments do, and say how often."""
            ended = batch["is_end"].float()
            batch["rewards"] = batch["rewards"] * ended
            return batch, {
                "reward": batch["rewards"].mean().item(),
                "fraction_of_samples_properly_ended": ended.mean().item(),
                "num_problems_in_batch": len(ended),
            }

        def shutdown(self) -> None:
            """Nothing is held."""

    return remote(VrftEnvironment)
