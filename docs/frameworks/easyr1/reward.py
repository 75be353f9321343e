"""EasyR1: the detection, classification or grounding reward, as `reward_function_kwargs` says."""

from vrft_rewards.adapters.easyr1 import REWARD_NAME, REWARD_TYPE, compute_score

__all__ = ["REWARD_NAME", "REWARD_TYPE", "compute_score"]
