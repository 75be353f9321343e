"""Masks as the page draws them: COCO's run lengths, of a size that a screen shows."""

from __future__ import annotations

from typing import Any

from vrft_eval.rle import decode_rle, encode_rle

_LONGEST = 512
_SHORT = 1500


def page_mask(rle: dict[str, Any]) -> list[int | str]:
    """Height, width and compressed counts; a mask of many runs is made smaller.

    >>> page_mask({"size": [2, 2], "counts": [0, 4]})
    [2, 2, '04']
    """
    if not isinstance(rle["counts"], str) or len(rle["counts"]) > _SHORT:
        mask = decode_rle(rle)
        step = max(1, -(-max(mask.shape) // _LONGEST))
        rle = encode_rle(mask[::step, ::step])
    height, width = rle["size"]
    return [height, width, rle["counts"]]
