"""What each framework's check needs: packages of an environment of its own, or a checkout of the framework's source."""

from __future__ import annotations

from dataclasses import dataclass

TORCH = ("torch==2.13.0",)
# Of the same day as torch; the images of Qwen's processors go through it.
VISION = ("torch==2.13.0", "torchvision==0.28.0", "qwen-vl-utils==0.0.14")


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
    example: str | None = None
    """The script that takes the framework's example in docs/frameworks as far as it goes without a GPU."""


ENVIRONMENTS = {
    # Only what the reward path imports: the whole of verl wants vLLM or SGLang, and a GPU.
    "verl": Environment(
        (
            VISION,
            (
                "transformers>=5.5.3,<5.11,!=5.6.0",
                "tensordict>=0.8.0,<=0.10.0,!=0.9.0",
                "numpy>=2.0",
                "ray[default]>=2.41",
            ),
            ("hydra-core", "codetiming", "dill", "datasets", "pandas", "torchdata", "peft", "aiohttp", "pillow"),
            ("cachetools", "fastapi", "uvicorn"),
            ("--no-deps", "verl==0.9.1"),
        )
    ),
    # What a checkout of it wants, without vLLM and flash-attn. It fails to load its own defaults with omegaconf 2.4.
    "easyr1": Environment(
        (
            VISION,
            ("transformers>=4.54,<5", "tensordict", "ray[default]>=2.41", "omegaconf<2.4", "accelerate", "msgspec"),
            ("codetiming", "datasets", "pandas", "torchdata", "peft", "pillow"),
        )
    ),
    # msgspec: imported by its GRPO trainer and not declared; vLLM brings it.
    "ms-swift": Environment((VISION, ("ms-swift==4.6.0", "msgspec"))),
    "openrlhf": Environment(
        (
            VISION,
            (
                "transformers==5.15.0",
                "aiohttp",
                "sympy",
                "pylatexenc",
                "tqdm",
                "fastapi",
                "uvicorn",
                "prometheus-client",
                "datasets",
                "ray[default]==2.55.0",
                "peft",
                "accelerate",
                "optree",
                "torchdata",
            ),
            ("--no-deps", "openrlhf==0.11.2"),
        )
    ),
    "verifiers": Environment((("verifiers==0.4.0",),)),
    "verifiers-rubric": Environment((("verifiers==0.3.1",),)),
}

CHECKS = {
    "trl": Check("check_trl.py", None),
    "verl": Check("check_verl.py", "verl", example="example_verl.py"),
    "easyr1": Check(
        "check_easyr1.py",
        "easyr1",
        "EASYR1_SOURCE",
        "https://github.com/hiyouga/EasyR1",
        example="example_easyr1.py",
    ),
    "ms-swift": Check("check_ms_swift.py", "ms-swift", example="example_ms_swift.py"),
    "openrlhf": Check("check_openrlhf.py", "openrlhf", example="example_openrlhf.py"),
    "verifiers": Check("check_verifiers.py", "verifiers"),
    "verifiers-rubric": Check("check_verifiers_rubric.py", "verifiers-rubric"),
    "nemo-rl": Check("check_nemo_rl.py", "verl", "NEMO_RL_SOURCE", "https://github.com/NVIDIA-NeMo/RL"),
}
