"""What there is in grounding data, and what is odd in it."""

from __future__ import annotations

from vrft_eval.check.survey import Survey
from vrft_eval.findings import Findings
from vrft_eval.tasks.grounding import GroundingData

_TINY = 2.0


def survey_grounding(data: GroundingData, findings: Findings) -> Survey:
    """Count descriptions, boxes, masks and ignore regions; note boxes that say little."""
    items = data.whole
    survey = Survey(str(data.file))
    survey.found = {
        "images": len(items),
        "boxes": sum(item.box is not None for item in items),
        "masks": sum(item.mask is not None for item in items),
        "ignore_regions": sum(item.ignore is not None for item in items),
        "sentences": sum(item.sentence is True for item in items),
    }
    survey.prompts = {"images": len(items)}
    for item in items:
        if item.box is None:
            continue
        x1, y1, x2, y2 = item.box
        if min(x2 - x1, y2 - y1) < _TINY:
            findings.see("box_tiny", f"{item.name}: {[x1, y1, x2, y2]}")
        if (x2 - x1, y2 - y1) == item.size:
            findings.see("box_whole_image", item.name)
    return survey
