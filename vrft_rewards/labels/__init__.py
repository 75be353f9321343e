"""LabelMatcher: which of a closed list of labels a text names, ambiguity refused."""

from .matcher import LabelMatch, LabelMatcher

__all__ = ["LabelMatch", "LabelMatcher"]
