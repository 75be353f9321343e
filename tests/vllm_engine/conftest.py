"""The real vLLM engine and the shipped checkpoint, loaded once: `make test-vllm` makes the environment."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from vllm_engine.engine_helpers import TASKS, planned
from vrft_eval.backends import Backend, Prompt
from vrft_eval.commands import Generation
from vrft_eval.demo.data import write_dataset

collect_ignore = ["cpu_torchvision.py", "grpo_on_cpu.py", "weights_on_cpu.py"]
IMAGES = 24


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Elsewhere these tests are shown as skipped."""
    if find_spec("vllm") is None:
        here = Path(__file__).parent
        for item in items:
            if item.path.is_relative_to(here):
                item.add_marker(pytest.mark.skip(reason="vLLM isn't installed here: run make test-vllm"))


@pytest.fixture(scope="session")
def engine() -> Iterator[Backend]:
    """The shipped checkpoint in vLLM."""
    from vrft_eval.backends.vllm_backend import VLLMBackend
    from vrft_eval.demo import checkpoint

    backend = VLLMBackend(checkpoint("rft"))
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the three generated tasks, by their names."""
    root = tmp_path_factory.mktemp("shapes")
    for task in TASKS:
        write_dataset(task, root / task, IMAGES, seed=0)
    return root


@pytest.fixture(scope="session")
def prompts(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Prompt]:
    """What the detection task asks of its images."""
    return planned("shapes-detection", shapes, tmp_path_factory.mktemp("prompts"), Generation("vllm")).pending()
