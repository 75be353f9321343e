"""What each framework's check needs: packages of an environment of its own, or a checkout of the framework's source."""

from __future__ import annotations

from dataclasses import dataclass

TORCH = ("torch==2.13.0",)


@dataclass(frozen=True)
class Environment:
    """The steps of pip that make an environment; each step is one `pip install` with these arguments."""

    steps: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Check:
    """A script, the environment it runs in (None: the project's own), and the checkout it needs, if any."""

    script: str
    environment: str | None
    checkout: str | None = None
    """The environment variable that names a checkout, for frameworks that no package index has."""
    source: str = ""


ENVIRONMENTS = {
    # Only what the reward path imports: the whole of verl wants vLLM or SGLang, and a GPU.
    "verl": Environment(
        (
            TORCH,
            (
                "transformers>=5.5.3,<5.11,!=5.6.0",
                "tensordict>=0.8.0,<=0.10.0,!=0.9.0",
                "numpy>=2.0",
                "ray[default]>=2.41",
            ),
            ("hydra-core", "codetiming", "dill", "datasets", "pandas", "torchdata", "peft", "aiohttp", "pillow"),
            ("--no-deps", "verl==0.9.1"),
        )
    ),
    # msgspec: imported by its GRPO trainer and not declared; vLLM brings it.
    "ms-swift": Environment((TORCH, ("ms-swift==4.6.0", "msgspec"))),
    "openrlhf": Environment(
        (
            TORCH,
            (
                "transformers==5.15.0",
                "aiohttp",
                "sympy",
                "pylatexenc",
                "tqdm",
                "fastapi",
                "uvicorn",
                "prometheus-client",
            ),
            ("--no-deps", "openrlhf==0.11.2"),
        )
    ),
    "verifiers": Environment((("verifiers==0.4.0",),)),
    "verifiers-rubric": Environment((("verifiers==0.3.1",),)),
}

CHECKS = {
    "trl": Check("check_trl.py", None),
    "verl": Check("check_verl.py", "verl"),
    "easyr1": Check("check_easyr1.py", "verl", "EASYR1_SOURCE", "https://github.com/hiyouga/EasyR1"),
    "ms-swift": Check("check_ms_swift.py", "ms-swift"),
    "openrlhf": Check("check_openrlhf.py", "openrlhf"),
    "verifiers": Check("check_verifiers.py", "verifiers"),
    "verifiers-rubric": Check("check_verifiers_rubric.py", "verifiers-rubric"),
    "nemo-rl": Check("check_nemo_rl.py", "verl", "NEMO_RL_SOURCE", "https://github.com/NVIDIA-NeMo/RL"),
}
