"""Answer text -> boxes with confidences, in any of the dialects that models write."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import numpy as np

from ..coordinates import ImageSize, Space, check_image_size, check_space, space_size
from .canonical import read_canonical, read_labelled
from .nothing import says_no_objects, says_nothing
from .raw import Corners, RawBox, ScanResult
from .scanner import MAX_CHARS, scan
from .types import EXCERPT, Box, Detections, Issue, IssueKind, Status

__all__ = ["Found", "Rules", "find_boxes", "parse_box", "parse_detections", "scan_boxes"]

OutOfRange = Literal["clip", "reject", "keep"]
Inverted = Literal["reject", "swap"]

MAX_BOXES = 1000
MISSING_CONFIDENCE = 1.0
_ENDLESS = (math.inf, math.inf)
_NONE = "No Objects"


class Found:
    """Boxes of an answer as plain Python numbers: what the rewards work on, before any array is made."""

    __slots__ = ("boxes", "issues", "labels", "points", "scores", "status")

    def __init__(self, status: Status, boxes: list[Corners], scores: list[float], labels: list[str | None]) -> None:
        self.status = status
        self.boxes = boxes
        self.scores = scores
        self.labels = labels
        self.points: list[tuple[float, float]] = []
        self.issues: list[Issue] = []


class Rules(NamedTuple):
    """What is done with boxes that aren't as they should be; see the fields of `DetectionProfile`."""

    out_of_range: OutOfRange = "clip"
    inverted: Inverted = "reject"
    missing_confidence: float = MISSING_CONFIDENCE
    max_boxes: int = MAX_BOXES


_RULES = Rules()


def find_boxes(answer: str | None, limits: ImageSize | None, rules: Rules = _RULES) -> Found:
    """Read an answer; ``limits`` is the (width, height) of its space, None where that isn't known."""
    if answer is None or not answer or answer.isspace():
        return Found(Status.MISSING, [], [], [])
    if answer == _NONE:  # to the letter as the prompt asks
        return Found(Status.NO_OBJECTS, [], [], [])
    if len(answer) <= MAX_CHARS:
        width, height = _ENDLESS if limits is None or rules.out_of_range == "keep" else limits
        canonical = read_canonical(answer, width, height, rules.max_boxes)
        if canonical is not None:
            boxes, scores = canonical
            return Found(Status.BOXES, boxes, scores, [None] * len(boxes))
        labelled = read_labelled(answer, width, height, rules.max_boxes)
        if labelled is not None:
            found = Found(Status.BOXES, [raw.numbers for raw in labelled], [], [raw.label for raw in labelled])
            for raw in labelled:
                found.scores.append(_confidence(raw, rules.missing_confidence, answer, found.issues))
            return found
    return scan_boxes(answer, limits, rules)


def scan_boxes(answer: str, limits: ImageSize | None, rules: Rules = _RULES) -> Found:
    """Read an answer that isn't blank by the scanner, as `find_boxes` does where no fast path fits."""
    found = Found(Status.UNPARSABLE, [], [], [])
    result = scan(answer)
    found.issues = result.issues
    found.points = result.points
    for index, raw in enumerate(result.boxes):
        if len(found.boxes) >= rules.max_boxes:
            text = f"{len(result.boxes) - index} more boxes"
            found.issues.append(Issue(IssueKind.TOO_MANY_BOXES, text, raw.start))
            break
        corners = _fit(raw, limits, rules, answer, found.issues)
        if corners is None:
            continue
        found.boxes.append(corners)
        found.labels.append(raw.label)
        found.scores.append(_confidence(raw, rules.missing_confidence, answer, found.issues))
    found.status = _status(answer, result, found)
    return found


def _excerpt(answer: str, raw: RawBox) -> str:
    return answer[raw.start : min(raw.end, raw.start + EXCERPT)]


def _fit(raw: RawBox, limits: ImageSize | None, rules: Rules, answer: str, issues: list[Issue]) -> Corners | None:
    """Return the box as the rules want it, or None when it is dropped; either way say so."""
    x1, y1, x2, y2 = raw.numbers
    if not (x1 < x2 and y1 < y2):
        issues.append(Issue(IssueKind.INVERTED, _excerpt(answer, raw), raw.start))
        if rules.inverted == "swap":
            x1, x2 = min(x1, x2), max(x1, x2)
            y1, y2 = min(y1, y2), max(y1, y2)
        if not (x1 < x2 and y1 < y2):
            return None
    if limits is None or rules.out_of_range == "keep":
        return x1, y1, x2, y2
    width, height = limits
    if x1 >= 0 and y1 >= 0 and x2 <= width and y2 <= height:
        return x1, y1, x2, y2
    issues.append(Issue(IssueKind.OUT_OF_RANGE, _excerpt(answer, raw), raw.start))
    if rules.out_of_range == "reject":
        return None
    x1, y1, x2, y2 = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def _confidence(raw: RawBox, missing: float, answer: str, issues: list[Issue]) -> float:
    if raw.confidence is None:
        issues.append(Issue(IssueKind.CONFIDENCE_MISSING, _excerpt(answer, raw), raw.start))
        return missing
    if not 0 <= raw.confidence <= 1:
        issues.append(Issue(IssueKind.CONFIDENCE_RANGE, f"{raw.confidence:g}", raw.start))
        return min(max(raw.confidence, 0.0), 1.0)
    return raw.confidence


def _status(answer: str, result: ScanResult, found: Found) -> Status:
    if found.boxes:
        if result.words and says_no_objects(answer):
            issue = Issue(IssueKind.CONTRADICTION, answer[result.last_words_at :][:EXCERPT], result.last_words_at)
            found.issues.append(issue)
        return Status.BOXES
    if not result.boxes:
        if says_nothing(result):
            return Status.NO_OBJECTS
        if result.words and says_no_objects(answer):
            return Status.NO_OBJECTS
        found.issues.append(Issue(IssueKind.UNREADABLE, answer.strip()[:EXCERPT], 0))
    return Status.UNPARSABLE


def _check_choice(field: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{field}: expected one of {', '.join(map(repr, choices))}, got {value!r}")


def _limits(
    space: Space,
    image_size: ImageSize | None,
    resized_size: ImageSize | None,
    rules: Rules,
) -> ImageSize | None:
    """Return the size of the space, where it is known, and check what goes with it."""
    _check_choice("out_of_range", rules.out_of_range, get_args(OutOfRange))
    _check_choice("inverted", rules.inverted, get_args(Inverted))
    if image_size is not None:
        image_size = check_image_size(image_size)
    return space_size(check_space(space), image_size, resized_size)


def parse_detections(
    answer: str | None,
    space: Space = "norm1000",
    image_size: ImageSize | None = None,
    *,
    resized_size: ImageSize | None = None,
    out_of_range: OutOfRange = "clip",
    inverted: Inverted = "reject",
    missing_confidence: float = MISSING_CONFIDENCE,
    max_boxes: int = MAX_BOXES,
) -> Detections:
    """Read the boxes of an answer. Total: any text gives a Detections, with an issue for each drop.

    ``answer`` is the text between the answer tags (None: there was none). Boxes stay in ``space``; what
    reaches outside it is clipped, rejected or kept: for ``pixels`` where ``image_size`` is given, for
    ``pixels-resized`` where ``resized_size`` is, the (width, height) that the model saw (see `smart_resize`).
    Inverted and empty boxes are rejected, or their corners swapped. A box without a confidence gets
    ``missing_confidence``: 1.0, since a box given without reserve is claimed without reserve; a confidence
    outside [0, 1] is clipped. At most ``max_boxes`` boxes are kept.

    Raises ValueError for an unknown space, a bad image size or another option that doesn't fit.

    >>> found = parse_detections("[{'Position': [10, 20, 300, 400], 'Confidence': 0.87}]")
    >>> found.boxes.tolist(), found.scores.tolist(), str(found.status)
    ([[10.0, 20.0, 300.0, 400.0]], [0.87], 'boxes')
    >>> str(parse_detections("No Objects").status)
    'no_objects'
    """
    if not isinstance(missing_confidence, (int, float)) or not 0 <= missing_confidence <= 1:
        raise ValueError(f"missing_confidence: expected a number in [0, 1], got {missing_confidence!r}")
    if not isinstance(max_boxes, int) or max_boxes < 1:
        raise ValueError(f"max_boxes: expected a whole number of at least 1, got {max_boxes!r}")
    rules = Rules(out_of_range, inverted, float(missing_confidence), max_boxes)
    found = find_boxes(answer, _limits(space, image_size, resized_size, rules), rules)
    boxes = np.array(found.boxes, dtype=np.float64).reshape(-1, 4)
    scores = np.array(found.scores, dtype=np.float64)
    return Detections(boxes, scores, tuple(found.labels), found.status, tuple(found.issues))


def parse_box(
    answer: str | None,
    space: Space = "norm1000",
    image_size: ImageSize | None = None,
    *,
    resized_size: ImageSize | None = None,
    out_of_range: OutOfRange = "clip",
    inverted: Inverted = "reject",
) -> Box:
    """Read the one box of a grounding answer; of several the first counts, with an issue that says so.

    The arguments are those of `parse_detections`.

    >>> parse_box("(10,20),(300,400)").box
    array([ 10.,  20., 300., 400.])
    """
    rules = Rules(out_of_range, inverted)
    found = find_boxes(answer, _limits(space, image_size, resized_size, rules), rules)
    # Grounding asks for no confidence.
    issues = [issue for issue in found.issues if issue.kind is not IssueKind.CONFIDENCE_MISSING]
    if len(found.boxes) > 1:
        issues.append(Issue(IssueKind.SEVERAL_BOXES, f"{len(found.boxes)} boxes, the first counts", 0))
    box = np.array(found.boxes[0], dtype=np.float64) if found.boxes else None
    return Box(box, found.status, tuple(issues))
