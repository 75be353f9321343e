"""Rewards that can be verified, for vision-language models: parse, match, score."""

from .answers import Box, Detections, Issue, IssueKind, Label, Status, parse_box, parse_detections, parse_label
from .boxes import box_ciou, box_diou, box_giou, box_iou
from .completions import completion_text
from .coordinates import Space, from_pixels, smart_resize, to_pixels
from .labels import LabelMatch, LabelMatcher
from .matching import Matching, match_boxes
from .polygons import points_in_polygon, polygon_iou, rotated_box_corners, rotated_box_iou
from .profiles import PROFILES, ClassificationProfile, DetectionProfile, GroundingProfile, Profile
from .response import FormatIssue, Response, parse_response, visual_rft_format
from .rewards import (
    ClassificationReward,
    DetectionReward,
    GroundingReward,
    LengthReward,
    OverlongReward,
    RepetitionReward,
    Reward,
    WeightedReward,
)
from .scores import Score, ScoreBatch, group_advantages

__all__ = [
    "PROFILES",
    "Box",
    "ClassificationProfile",
    "ClassificationReward",
    "DetectionProfile",
    "DetectionReward",
    "Detections",
    "FormatIssue",
    "GroundingProfile",
    "GroundingReward",
    "Issue",
    "IssueKind",
    "Label",
    "LabelMatch",
    "LabelMatcher",
    "LengthReward",
    "Matching",
    "OverlongReward",
    "Profile",
    "RepetitionReward",
    "Response",
    "Reward",
    "Score",
    "ScoreBatch",
    "Space",
    "Status",
    "WeightedReward",
    "box_ciou",
    "box_diou",
    "box_giou",
    "box_iou",
    "completion_text",
    "from_pixels",
    "group_advantages",
    "match_boxes",
    "parse_box",
    "parse_detections",
    "parse_label",
    "parse_response",
    "points_in_polygon",
    "polygon_iou",
    "rotated_box_corners",
    "rotated_box_iou",
    "smart_resize",
    "to_pixels",
    "visual_rft_format",
]
