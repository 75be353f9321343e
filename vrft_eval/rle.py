"""COCO run-length encoded masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def decode_rle(rle: dict[str, Any]) -> Mask:
    """Decode {"size": [h, w], "counts": ...} to (h, w) bool. Raises ValueError when it is broken.

    >>> int(decode_rle({"size": [2, 3], "counts": [1, 2, 3]}).sum())
    2
    """
    import hotcoco.mask

    try:
        return np.ascontiguousarray(hotcoco.mask.decode(rle)).astype(bool)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"broken RLE: {error}") from None


def encode_rle(mask: Mask) -> dict[str, Any]:
    """Encode (h, w) bool to {"size": [h, w], "counts": compressed text}.

    >>> encode_rle(np.ones((2, 2), dtype=bool))["size"]
    [2, 2]
    """
    import hotcoco.mask

    rle = hotcoco.mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    height, width = mask.shape
    return {"size": [height, width], "counts": rle["counts"].decode("ascii")}
