"""``python -m vrft_rewards.serve``: the same as ``vrft-rewards serve``."""

import sys

from .command import main

sys.exit(main())
