"""Finding out how a function wants to be asked: it must pay a right answer more than a wrong one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .ask import Asker
from .boxes import detection_kit
from .forms import FORMS, Form
from .grounding import grounding_kit
from .kit import Kit
from .labels import classification_kit
from .types import AuditError, Task
from .writer import DIALECTS, Writer

__all__ = ["calibrate", "kit_of"]


_NEARLY = 0.5
"""A way of asking that shows this share of the largest difference will do: the first ones show more of a reward."""


def kit_of(task: Task, writer: Writer, labels: Sequence[str]) -> Kit:
    """Return a task's scenes."""
    if task == "classification":
        return classification_kit(writer, labels)
    return detection_kit(writer) if task == "detection" else grounding_kit(writer)


def _ways(task: Task, call: str) -> Iterator[tuple[Form, Writer]]:
    dialects = DIALECTS if task == "detection" else ("corners", *DIALECTS[:4]) if task == "grounding" else DIALECTS[:1]
    # Our own rewards read every dialect; asking them in one is enough.
    for form in FORMS[:1] if call == "reward" else FORMS:
        for tags in (True, False):
            for dialect in dialects:
                yield form, Writer(dialect, tags)


def calibrate(asker: Asker, task: Task, labels: Sequence[str]) -> Kit:
    """Set the asker's form and return the kit, by which right answers earn most more than wrong ones.

    Of several ways that do about as well the first is taken: boxes as Visual-RFT writes them, with tags.
    Raises AuditError when no way tells right from wrong.
    """
    ways: list[tuple[float, Form, Kit]] = []
    trouble = ""
    for form, writer in _ways(task, asker.call):
        kit = kit_of(task, writer, labels)
        scenes = [scene for scene in kit.scenes if scene.truth]
        right = asker.scores(kit.right(scenes), form)
        wrong = asker.scores([kit.case(scene.miss, scene) for scene in scenes], form)
        both = [(a.value, b.value) for a, b in zip(right, wrong, strict=True)]
        gaps = [a - b for a, b in both if a is not None and b is not None]
        trouble = trouble or next((reply.detail for reply in right if reply.value is None), "")
        if gaps:
            ways.append((sum(gaps) / len(scenes), form, kit))
        if asker.lost > 2:
            break
    best = max((gap for gap, _, _ in ways), default=0.0)
    if best <= 1e-9:
        said = f"; it said: {trouble}" if trouble else ""
        raise AuditError(f"right answers of {task} earn no more than wrong ones, however they are written{said}")
    _, asker.form, kit = next(way for way in ways if way[0] >= _NEARLY * best)
    return kit
