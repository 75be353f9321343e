from __future__ import annotations

import numpy as np
import pytest

from vrft_eval.report.labels import Rect, place_labels


@pytest.mark.parametrize("size", [(640, 427), (427, 640), (96, 96)])
def test_labels_stay_in_the_picture_and_off_one_another(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    unit = max(size) / 100
    for _ in range(30):
        extents = rng.uniform(1, 0.7 * min(size), (40, 2))
        starts = rng.uniform(0, np.array(size) - extents)
        boxes = [
            Rect(x, y, w, h, f"{rng.random():.2f}")
            for (x, y), (w, h) in zip(starts.tolist(), extents.tolist(), strict=True)
        ]
        labels = place_labels(boxes, size)
        assert labels[0].text == boxes[0].label
        assert 10 < len(labels) <= len(boxes)
        for k, label in enumerate(labels):
            assert 0 <= label.x <= size[0] - 4 * 2.7 * unit + 0.01
            assert 3.7 * unit - 0.01 <= label.y <= size[1]
            for other in labels[:k]:
                beside = abs(label.x - other.x) >= 4 * 2.7 * unit - 0.02
                assert beside or abs(label.y - other.y) >= 4.6 * unit - 0.02


def test_three_boxes_in_one_place_keep_their_labels() -> None:
    boxes = [Rect(300, 200, 60, 50, f"0.{k} · no match") for k in (9, 8, 7)]
    labels = place_labels(boxes, (640, 427))
    assert [label.text for label in labels] == [box.label for box in boxes]
    assert len({label.y for label in labels}) == 3


def test_a_label_at_the_right_edge_is_moved_to_the_left() -> None:
    (label,) = place_labels([Rect(600, 200, 40, 40, "0.71 · IoU 0.56")], (640, 427))
    assert label.x + 15 * 2.7 * 6.4 <= 640
