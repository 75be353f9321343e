"""What is collected. Hypothesis is an extra: without it the SDK's other tests have to pass all the same."""

from importlib.util import find_spec

_NEED_HYPOTHESIS = (
    "vrft_rewards/testing.py",
    "tests/property/test_fast_path.py",
    "tests/property/test_rewards.py",
    "tests/rewards/test_explain.py",
    "tests/rewards/test_testing.py",
)
collect_ignore = list(_NEED_HYPOTHESIS) if find_spec("hypothesis") is None else []
