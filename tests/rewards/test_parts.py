"""The parts beyond IoU, confidence, format and GIoU, and the profiles that weigh them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from vrft_rewards import DetectionReward, GroundingReward, group_advantages

A, B, WRONG = [100, 100, 300, 300], [500, 500, 700, 700], [800, 0, 900, 50]


def say(answer: object) -> str:
    return f"<think>I look.</think><answer>{answer}</answer>"


def boxes(*items: tuple[list[int], float]) -> str:
    return say([{"Position": box, "Confidence": confidence} for box, confidence in items])


def labelled(*items: tuple[list[int], str]) -> str:
    return say([{"bbox_2d": box, "label": label} for box, label in items])


@pytest.mark.parametrize(("beta", "iou"), [(0.0, 1.0), (1.0, 2 / 3), (2.0, 5 / 9), (100.0, 1 / 2)])
def test_beta_weighs_missed_boxes(beta: float, iou: float) -> None:
    reward = DetectionReward(iou_denominator="fbeta", beta=beta)
    assert reward.score(boxes((A, 1)), [A, B]).parts["iou"] == pytest.approx(iou, abs=1e-4)


def test_parts_appear_with_their_weight() -> None:
    assert DetectionReward().keys == ("iou", "confidence", "format")
    reward = DetectionReward(ap_weight=2, count_weight=1, giou_weight=0.5, label_weight=1)
    assert reward.keys == ("iou", "confidence", "format", "ap", "count", "giou", "label")
    assert reward.bounds == (0.0, 7.5)
    truth = {"boxes": [A, B], "labels": ["bus", "stop sign"]}
    assert reward.score(labelled((A, "Bus"), (B, "stop_sign")), truth).value == 7.5
    assert pickle.loads(pickle.dumps(reward)).score(say("No Objects"), []).value == 7.5
    assert reward.score(say("nothing else"), truth).value == 0


@pytest.mark.parametrize(
    ("answer", "truth", "count", "giou"),
    [
        (boxes((A, 1)), [A, B], 1 / 2, 2 / 3),
        (boxes((A, 1), (WRONG, 1), (WRONG, 1)), [A], 1 / 3, 1 / 2),
        (boxes((WRONG, 1)), [A], 1.0, 0.0),
        (boxes((WRONG, 1)), [], 0.0, 0.0),
        (say("No Objects"), [A], 0.0, 0.0),
    ],
)
def test_count_and_giou(answer: str, truth: list[list[int]], count: float, giou: float) -> None:
    parts = DetectionReward(count_weight=1, giou_weight=1).score(answer, truth).parts
    assert (parts["count"], parts["giou"]) == pytest.approx((count, giou))


def test_a_hit_needs_the_right_label() -> None:
    truth = {"boxes": [A, B], "labels": ["bus", "train"]}
    answer = labelled((A, "train"), (B, "train"))
    aware = DetectionReward(label_weight=1).score(answer, truth).parts
    unaware = DetectionReward(label_weight=1, class_aware=False).score(answer, truth).parts
    assert (aware["iou"], aware["label"]) == (0.5, 0.5)
    assert (unaware["iou"], unaware["label"]) == (1.0, 0.5)
    assert DetectionReward().score(boxes((A, 1), (B, 1)), truth).parts["iou"] == 0


@pytest.mark.parametrize(
    "truth",
    [
        {"boxes": [A]},
        {"boxes": [A], "labels": []},
        {"boxes": [A], "labels": "a"},
        {"boxes": [A], "labels": [" "]},
        {"boxes": [A], "labels": [5]},
        {"boxes": None, "labels": ["a"]},
        {"boxes": [A], "labels": ["a"], "box": A},
        {},
    ],
)
def test_bad_labelled_truth(truth: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="truth"):
        DetectionReward().score(say("No Objects"), truth)


def test_the_label_part_needs_labels() -> None:
    with pytest.raises(ValueError, match="label_weight"):
        DetectionReward(label_weight=1).score(say("No Objects"), [A])


def test_average_precision_is_that_of_pycocotools() -> None:
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    rng = np.random.default_rng(3)
    reward = DetectionReward(ap_weight=1, out_of_range="keep")
    for _ in range(25):
        corners = rng.integers(0, 500, (rng.integers(1, 8), 2))
        true = np.concatenate([corners, corners + rng.integers(40, 300, corners.shape)], axis=1)
        shifted = np.concatenate([true + rng.integers(-15, 16, true.shape), true + 250])
        scores = rng.permutation(np.arange(1, len(shifted) + 1)) / 100
        names = rng.choice(["cat", "dog"], len(true)).tolist()
        guesses = names + rng.choice(["cat", "dog"], len(true)).tolist()
        items = [
            {"bbox": box, "label": name, "score": score}
            for box, name, score in zip(shifted.tolist(), guesses, scores.tolist(), strict=True)
        ]
        classes = sorted(set(names))
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": 1}],
            "categories": [{"id": n, "name": name} for n, name in enumerate(classes)],
            "annotations": [
                {
                    "id": n + 1, "image_id": 1, "category_id": classes.index(name), "iscrowd": 0, "area": 1e4,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                }
                for n, ((x1, y1, x2, y2), name) in enumerate(zip(true.tolist(), names, strict=True))
            ],
        }  # fmt: skip
        truth.createIndex()
        found = truth.loadRes(
            [
                {
                    "image_id": 1, "category_id": classes.index(item["label"]), "score": item["score"],
                    "bbox": [*item["bbox"][:2], item["bbox"][2] - item["bbox"][0], item["bbox"][3] - item["bbox"][1]],
                }
                for item in items
                if item["label"] in classes
            ]
        )  # fmt: skip
        judge = evaluation.COCOeval(truth, found, "bbox")
        judge.evaluate()
        judge.accumulate()
        precision = judge.eval["precision"][:, :, :, 0, -1]
        ours = reward.score(say(items), {"boxes": true.tolist(), "labels": names}).parts["ap"]
        assert ours == pytest.approx(float(precision[precision > -1].mean()), abs=1e-9)


def test_grounding_parts() -> None:
    reward = GroundingReward(iou_weight=1, point_weight=1, l1_weight=1, structure_weight=1)
    assert reward.keys == ("giou", "format", "iou", "point", "l1", "structure")
    parts = reward.score(say([100, 100, 300, 200]), A).parts
    assert (parts["iou"], parts["point"], parts["l1"], parts["structure"]) == pytest.approx((0.5, 1.0, 1 - 0.25, 1.0))
    assert reward.score(say(WRONG), A).parts["point"] == 0
    assert reward.score(say(A), A).value == reward.bounds[1] == 6.0
    assert reward.score("nothing", A).value == 0.0


def test_points_lie_in_the_polygon_or_the_box() -> None:
    reward = GroundingReward(point_weight=1)
    triangle = {"box": [0, 0, 100, 100], "polygon": [[0, 0], [100, 0], [0, 100]]}
    answer = say('{"bbox": [0, 0, 100, 100], "points_1": [10, 10], "points_2": [90, 90]}')
    assert reward.score(answer, triangle).parts["point"] == 0.5
    assert reward.score(answer, [0, 0, 100, 100]).parts["point"] == 1.0
    converted = GroundingReward(point_weight=1, truth_space="norm1")
    scaled = {key: (np.array(value) / 1000).tolist() for key, value in triangle.items()}
    assert converted.score(answer, scaled, (640, 480)).parts["point"] == 0.5


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"bbox": [100, 100, 300, 300], "points_1": [150, 150], "points_2": [250, 250]}, (1, 1, 1, 1)),
        ({"bbox": [100, 100, 300, 300], "points_1": [250, 250], "points_2": [150, 150]}, (1, 1, 1, 1)),
        ({"bbox": [100, 100, 300, 360], "points_1": [150, 150], "points_2": [250, 250]}, (1, 1, 0, 1)),
        ({"bbox": [100, 100, 300, 300], "points_1": [150, 150], "points_2": [350, 250]}, (1, 0, 1, 1)),
        ({"bbox": [0, 0, 900, 900], "points_1": [350, 350], "points_2": [450, 450]}, (0, 0, 0, 1)),
        ({"bbox": [100, 100, 300, 300]}, (1, 0, 1, 0)),
        ({"points_1": [150, 150], "points_2": [250, 250]}, (0, 0, 0, 0)),
    ],
)
def test_seg_zero(answer: dict[str, list[int]], expected: tuple[int, ...]) -> None:
    truth = {"box": A, "points": [[150, 150], [250, 250]]}
    parts = GroundingReward("seg-zero").score(say(answer), truth).parts
    assert tuple(parts[key] for key in ("iou", "point", "l1", "structure")) == expected
    assert parts["format"] == 1.0
    assert GroundingReward("seg-zero").bounds == (0.0, 5.0)


def test_vlm_r1() -> None:
    one = GroundingReward("vlm-r1").score(say('{"bbox_2d": [100, 100, 300, 200]}'), A)
    assert (one.value, one.parts["iou"]) == (1.5, 0.5)
    several = DetectionReward("vlm-r1")
    truth = {"boxes": [A, B], "labels": ["bus", "train"]}
    assert several.score(labelled((A, "bus"), (B, "train")), truth).value == several.bounds[1] == 2.0
    assert several.score(labelled((A, "bus")), truth).parts["ap"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "truth", [{"polygon": [[0, 0]]}, {"box": A, "polygon": [[0, 0]]}, {"box": A, "points": "x"}, {"box": A, "x": 1}]
)
def test_bad_grounding_truth(truth: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="truth"):
        GroundingReward().score(say(A), truth)


def test_distances_in_pixels_need_the_image() -> None:
    reward = GroundingReward(space="pixels", l1_weight=1)
    assert reward.score(say(A), A, (640, 480)).parts["l1"] == 1.0
    with pytest.raises(ValueError, match="image_size"):
        reward.score(say(A), A)
    with pytest.raises(ValueError, match="l1_tolerance: expected a number above 0"):
        GroundingReward(l1_tolerance=0)


def test_groups_without_spread_are_flagged() -> None:
    advantages, flat = group_advantages([0, 1, 2, 2], 2, return_flat=True)
    assert advantages.tolist() == [-1, 1, 0, 0]
    assert flat.tolist() == [False, True]
