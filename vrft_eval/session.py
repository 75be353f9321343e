"""What run.json records of one session of the command: how much was asked, how fast, with how much memory."""

from __future__ import annotations

from pydantic import Field

from vrft_eval.file_model import FileModel, Finite


class Session(FileModel):
    """One session of the command that asked for answers, all its stages together.

    Written every minute too, so that a session that was killed is there as it was then. What isn't known is null:
    tokens where the engine doesn't count them, memory where the system doesn't tell.
    """

    started: str
    seconds: Finite = Field(ge=0, description="spent asking; loading the model and measuring are not in it")
    asked: int = Field(ge=0, description="prompts that were to be asked")
    answered: int = Field(ge=0)
    failed: int = Field(ge=0)
    prompt_tokens: int | None = Field(default=None, ge=0)
    cached_prompt_tokens: int | None = Field(default=None, ge=0, description="of prompt_tokens, taken from a cache")
    answer_tokens: int | None = Field(default=None, ge=0)
    prompts_per_second: Finite | None = Field(default=None, ge=0, description="answered and failed, over seconds")
    peak_memory_mb: int | None = Field(default=None, ge=0, description="of the process, in 2**20 bytes")
    peak_child_memory_mb: int | None = Field(default=None, ge=0, description="of the largest engine in a child process")
    peak_gpu_memory_mb: int | None = Field(default=None, ge=0, description="of torch in the process; null without CUDA")
    restarts: int = Field(default=0, ge=0, description="engines that died and were started again")
