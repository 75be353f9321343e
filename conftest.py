"""What is collected, and how Hypothesis runs: an extra, without which the SDK passes its other tests all the same."""

from importlib.util import find_spec

_NEED_HYPOTHESIS = (
    "vrft_rewards/testing.py",
    "tests/property/test_fast_path.py",
    "tests/property/test_rewards.py",
    "tests/rewards/test_explain.py",
    "tests/rewards/test_testing.py",
)
collect_ignore = ["tests/frameworks"]  # scripts for the frameworks' own environments: `make test-frameworks`

if find_spec("hypothesis") is None:
    collect_ignore += _NEED_HYPOTHESIS
else:
    from hypothesis import HealthCheck, settings

    # A busy machine is no failure of the code.
    settings.register_profile("vrft", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("vrft")
