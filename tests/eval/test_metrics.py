from __future__ import annotations

import pytest

from vrft_eval.masks import fill_boxes
from vrft_eval.rle import decode_rle, encode_rle


def test_masks_survive_the_round_trip() -> None:
    mask = fill_boxes([[1.0, 2.0, 6.0, 5.0]], (9, 7))[0]
    assert (decode_rle(encode_rle(mask)) == mask).all()
    with pytest.raises(ValueError, match="RLE"):
        decode_rle({"size": [2, 2], "counts": [99]})
