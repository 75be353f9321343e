"""How answers are to be read and measured: what the command line says of it, checked."""

from __future__ import annotations

from pathlib import Path

from vrft_eval.baselines.paper import check_against
from vrft_eval.errors import InputError, choice
from vrft_eval.masks import CHOICES
from vrft_eval.masks.checkpoint import DTYPES
from vrft_eval.metrics.engines import find_engine
from vrft_eval.tasks import Reading, TaskSpec
from vrft_rewards import PROFILES
from vrft_rewards.coordinates import check_space

RESAMPLES = 1000


def find_sam(sam: str | None, spec: TaskSpec, *, may_be_gone: bool = False) -> Path | None:
    """Turn `--sam` into a folder: `demo` is the shipped one, `none` fills the boxes.

    Without the option the generated tasks use the shipped SAM and the others none. Raises InputError, for a folder that
    isn't there unless it may be gone.
    """
    if spec.kind != "grounding":
        return None
    name = sam or ("demo" if spec.generated else "none")
    if name == "none":
        return None
    if name == "demo":
        from vrft_eval.demo import checkpoint

        return checkpoint("sam")
    if not may_be_gone and not Path(name).is_dir():
        raise InputError("no such SAM folder (or demo, none)", file=name)
    return Path(name)


def make_reading(
    spec: TaskSpec,
    space: str,
    profile: str,
    sam: str | None,
    device: str = "auto",
    engine: str = "hotcoco",
    resamples: int = RESAMPLES,
    sam_dtype: str = "float32",
    sam_mask: str = "single",
    sam_fingerprint: str | None = None,
    against: str | None = None,
) -> Reading:
    """Check how answers are to be read, and what the numbers are put beside. Raises ValueError.

    With a fingerprint the SAM need no longer be there: its saved masks are used.
    """
    choice(profile, PROFILES, "--profile")
    choice(sam_dtype, DTYPES, "--sam-dtype")
    check_against(against, spec.name)
    if resamples < 0:
        raise InputError("must be 0 or more", field="resamples", value=resamples)
    return Reading(
        check_space(space, "--space"),
        profile,
        find_sam(sam, spec, may_be_gone=sam_fingerprint is not None),
        device,
        engine=find_engine(engine),
        resamples=resamples,
        sam_dtype=sam_dtype,
        sam_choice=choice(sam_mask, CHOICES, "--sam-mask"),
        sam_fingerprint=sam_fingerprint,
        against=against,
    )
