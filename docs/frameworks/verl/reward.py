"""verl: the detection, classification or grounding reward, as `reward_kwargs` says."""

from vrft_rewards.adapters.verl import compute_score, compute_score_batch

__all__ = ["compute_score", "compute_score_batch"]
