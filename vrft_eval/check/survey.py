"""What all surveys of data have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz, process

from vrft_eval.datasets.names import plain_name
from vrft_eval.findings import Findings

_ALIKE = 92.0
_SHORTEST = 5


@dataclass
class Survey:
    """What there is in a data set, and how many questions a run would ask."""

    file: str | None = None
    found: dict[str, int] = field(default_factory=dict)
    prompts: dict[str, int] = field(default_factory=dict)


def note_alike(names: Sequence[str], findings: Findings) -> None:
    """Count pairs of names that hardly differ: the same but for spaces and case, or by a letter or two."""
    plain = [plain_name(name) for name in names]
    scores = process.cdist(plain, plain, scorer=fuzz.ratio, score_cutoff=_ALIKE, workers=1)
    for first, second in zip(*scores.nonzero(), strict=True):
        short = min(len(plain[first]), len(plain[second])) < _SHORTEST
        if first < second and (not short or plain[first] == plain[second]):
            findings.see("name_alike", f"{names[first]!r} and {names[second]!r}")
