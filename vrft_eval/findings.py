"""What is missing or odd in a data set: refused at once, or collected to be told all together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from vrft_eval.errors import InputError

Severity = Literal["error", "warning", "note"]
EXAMPLES = 5

KINDS: dict[str, tuple[Severity, str]] = {
    "unusable_data": ("error", "data that can't be read"),
    "unusable_entry": ("error", "entries that can't be used"),
    "duplicate_id": ("error", "ids used twice"),
    "unknown_category": ("error", "categories that don't exist"),
    "path_outside": ("error", "paths that leave the data folder"),
    "image_absent": ("error", "images that are named but not there"),
    "image_unreadable": ("error", "images that can't be read"),
    "image_size": ("error", "images of another size than their annotations say"),
    "image_too_large": ("error", "images above Pillow's limit of pixels"),
    "nothing_to_ask": ("error", "data with nothing to ask about"),
    "image_left_out": ("warning", "images left out, since they are not there (--missing skip)"),
    "image_twice": ("warning", "images named by several entries"),
    "box_outside": ("warning", "boxes that reach outside their image"),
    "box_empty": (
        "warning",
        "boxes without area inside their image (no truth for the rewards)",
    ),
    "box_twice": ("warning", "boxes that are in the data twice"),
    "area_absent": ("warning", "boxes without an area (width x height is taken, which moves APs, APm and APl)"),
    "category_without_truth": ("warning", "selected categories without ground truth"),
    "class_without_images": ("warning", "classes without an image"),
    "target_absent": ("warning", "descriptions of nothing: no target region"),
    "target_covered": ("warning", "targets that an ignore region covers whole"),
    "other_question": ("warning", "questions of the data that differ from the task's prompt"),
    "other_count": ("warning", "a split of another size than published"),
    "box_outside_a_little": ("note", "boxes that reach outside their image by less than a pixel"),
    "box_tiny": ("note", "boxes with a side below 2 pixels"),
    "name_alike": ("note", "pairs of names that hardly differ"),
    "crowd_only": ("note", "image and category pairs with crowds only: no truth for the rewards"),
    "image_without_truth": ("note", "images without any annotation"),
    "image_unused": ("note", "image files that nothing names"),
    "class_with_one_image": ("note", "classes with a single image"),
    "id_order": ("note", "image ids that are smaller than the one before"),
    "id_zero": ("note", "annotation ids that are 0 (engines take 0 for no match; ids of our own are given)"),
    "id_absent": ("note", "annotations without an id"),
    "first_polygon": ("note", "files whose first polygon is no target (Visual-RFT takes it all the same)"),
    "several_texts": ("note", "files with several descriptions (the first is asked)"),
    "encoding": ("note", "files that are in cp1252, not UTF-8"),
    "box_whole_image": ("note", "boxes that cover the whole image"),
}
"""Everything that can be found: how bad it is, and what it is called."""


@dataclass
class Finding:
    """One kind of thing found: how often, and the first few."""

    kind: str
    severity: Severity
    text: str
    count: int = 0
    examples: list[str] = field(default_factory=list)


class Findings:
    """Counts what a loader finds.

    Errors are raised at once, so that a run stops before it starts; with `collect` they are counted as well, and
    the entry in question is left out.

    >>> findings = Findings(collect=True)
    >>> findings.error("duplicate_id", InputError("image id used twice", file="a.json", field="images[1].id", value=7))
    >>> [(found.text, found.count, found.examples) for found in findings]
    [('ids used twice', 1, ['images[1].id: image id used twice, got 7'])]
    """

    def __init__(self, *, collect: bool = False) -> None:
        self.collect = collect
        self._found: dict[str, Finding] = {}

    def error(self, kind: str, error: InputError) -> None:
        """Raise the error, or count it when errors are collected."""
        if not self.collect:
            raise error
        self.see(kind, error.detail)

    def see(self, kind: str, example: str, times: int = 1) -> None:
        """Count something of a kind in `KINDS`."""
        found = self._found.get(kind)
        if found is None:
            severity, text = KINDS[kind]
            found = self._found[kind] = Finding(kind, severity, text)
        found.count += times
        if len(found.examples) < EXAMPLES:
            found.examples.append(example)

    def count(self, kind: str) -> int:
        """How often a kind was found."""
        return self._found[kind].count if kind in self._found else 0

    def __iter__(self) -> Iterator[Finding]:
        """What was found, errors first, each severity in the order of `KINDS`."""
        order: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}
        kinds = sorted(self._found, key=lambda kind: (order[KINDS[kind][0]], list(KINDS).index(kind)))
        return iter([self._found[kind] for kind in kinds])

    def notes(self) -> list[str]:
        """Sentences for a report, of the warnings: a count, what it is, the first example."""
        return [
            f"{found.text[0].upper()}{found.text[1:]}: "
            + (found.examples[0] if found.count == 1 else f"{found.count:,} (the first {found.examples[0]})")
            + "."
            for found in self
            if found.severity == "warning"
        ]
