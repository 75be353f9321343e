"""Answer text -> Detections, Box or Label: every dialect models write, with a reason for each drop."""

from .detections import parse_box, parse_detections
from .label import parse_label
from .types import Box, Detections, Issue, IssueKind, Label, Status

__all__ = [
    "Box",
    "Detections",
    "Issue",
    "IssueKind",
    "Label",
    "Status",
    "parse_box",
    "parse_detections",
    "parse_label",
]
