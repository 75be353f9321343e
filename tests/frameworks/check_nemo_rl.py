"""NeMo-RL, from a checkout: its registry makes our environment as a Ray actor, and its interface is stepped."""

from __future__ import annotations

from common import COMPLETIONS, TRUTH_TEXT, check_same

from vrft_rewards.adapters.nemo_rl import make_reward_fn, register


def main() -> None:
    """Run the check."""
    import nemo_rl  # type: ignore[import-not-found]
    import ray
    import torch
    from nemo_rl.distributed.batched_data_dict import BatchedDataDict  # type: ignore[import-not-found]
    from nemo_rl.environments.interfaces import EnvironmentReturn  # type: ignore[import-not-found]
    from nemo_rl.environments.utils import create_env  # type: ignore[import-not-found]

    print(f"NeMo-RL {nemo_rl.__version__}, torch {torch.__version__}, ray {ray.__version__}")
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    register()
    logs = [[{"role": "user", "content": "Find it."}, {"role": "assistant", "content": text}] for text in COMPLETIONS]
    metadata = [{"ground_truth": TRUTH_TEXT}] * len(COMPLETIONS)
    for name in ("vrft", "vlm"):
        environment = create_env(name, {"task": "detection", "num_workers": 1})
        answer = ray.get(environment.step.remote(logs, metadata))
        assert isinstance(answer, EnvironmentReturn)
        check_same(answer.rewards.tolist(), f"environment {name!r}")
        assert answer.terminateds.tolist() == [1.0] * len(COMPLETIONS)
    batch = BatchedDataDict({"rewards": answer.rewards, "is_end": torch.tensor([True, False, True, True])})
    _, metrics = ray.get(environment.global_post_process_and_metrics.remote(batch))
    assert metrics["fraction_of_samples_properly_ended"] == 0.75
    print(f"metrics: {metrics}")
    check_same([make_reward_fn(task="detection")(TRUTH_TEXT, text)[0] for text in COMPLETIONS], "reward function")
    ray.shutdown()


if __name__ == "__main__":
    main()
