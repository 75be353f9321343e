"""From a box to the mask of what is in it: SAM, or the filled box when there is no SAM."""

from vrft_eval.masks.checkpoint import FAMILIES, Family
from vrft_eval.masks.fill import Masks, fill_boxes
from vrft_eval.masks.sam import CHOICES, BoxToMask, Choice

__all__ = ["CHOICES", "FAMILIES", "BoxToMask", "Choice", "Family", "Masks", "fill_boxes"]
