"""What `vrft-eval check --json` writes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vrft_eval.file_model import FileModel, Finite


class CheckFinding(FileModel):
    """One kind of thing that is missing or odd."""

    kind: str
    severity: Literal["error", "warning", "note"]
    text: str
    count: int = Field(ge=1)
    examples: list[str] = Field(description="the first few")


class CheckReport(FileModel):
    """What was found in a task's data, and what is missing or odd in them."""

    version: Literal[1] = 1
    task: str
    data: str | None = Field(description="the annotation file or folder, null when nothing could be read")
    split: str | None
    found: dict[str, int] = Field(description="images, categories, boxes, ...")
    prompts: dict[str, int] = Field(description="how many questions a run asks; for detection by gate")
    findings: list[CheckFinding]
    full: bool = Field(description="whether every image was decoded, not only its header read")
    seconds: Finite

    def count(self, severity: str) -> int:
        """How many kinds of findings are this bad."""
        return sum(finding.severity == severity for finding in self.findings)
