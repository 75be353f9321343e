"""ms-swift: enters `vrft_detection`, `vrft_classification`, `vrft_grounding` and `vrft` into its table of rewards."""

from vrft_rewards.adapters.ms_swift.vrft_plugin import register

register()
