"""OpenRLHF: the detection reward. It passes no options, so they are here."""

from vrft_rewards.adapters.openrlhf import make_reward_func

reward_func = make_reward_func(task="detection", profile="default")
