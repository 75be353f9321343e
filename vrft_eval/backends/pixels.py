"""The bounds on the size that a model's own image processor brings an image to."""

from __future__ import annotations

from typing import Any

from vrft_eval.errors import InputError


def bound_pixels(image_processor: Any, least: int | None, most: int | None) -> dict[str, int] | None:
    """Set the bounds of an image processor, None for its own; returns them, or None when neither is set.

    Raises InputError when it has no such bounds.
    """
    if least is None and most is None:
        return None
    size = getattr(image_processor, "size", None)
    keys = ("shortest_edge", "longest_edge")
    if not size or not all(key in size for key in keys):
        raise InputError("the model's image processor has no such bounds", field="--max-pixels", value=most)
    bounds = {
        "shortest_edge": size["shortest_edge"] if least is None else least,
        "longest_edge": size["longest_edge"] if most is None else most,
    }
    image_processor.size = bounds
    return bounds
