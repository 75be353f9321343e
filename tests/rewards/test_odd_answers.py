"""Odd but legitimate ways to answer, and tricks, each with where it came from."""

# ruff: noqa: E501 (a table reads best with one case a line)
from __future__ import annotations

import json
import random

import pytest

from vrft_rewards import LabelMatcher, Status, parse_detections, parse_label

A, B = [10, 20, 300, 400], [50, 60, 70, 80]


@pytest.mark.parametrize(
    ("answer", "boxes", "scores"),
    [
        # Two corners under one key, as pointing models write boxes; and the same corners by name.
        ("[{'Position': [[10, 20], [300, 400]], 'Confidence': 0.95}]", [A], [0.95]),
        ("{'bbox': [(10, 20), (300, 400)], 'score': 0.5}", [A], [0.5]),
        ("boxes: (10,20),(300,400),(50,60),(70,80)", [A, B], [1.0, 1.0]),
        ('{"top_left": [10, 20], "bottom_right": [300, 400], "confidence": 0.5}', [A], [0.5]),
        ("[{'Position': {'top_left': [10, 20], 'bottom_right': [300, 400]}, 'Confidence': 0.5}]", [A], [0.5]),
        ("top-left: (10, 20); bottom-right: (300, 400)", [A], [1.0]),
        ("Bottom-right (300, 400), top-left (10, 20)", [], []),
        ("Bottom-right: (300, 400), top-left: (10, 20)", [A], [1.0]),
        # torchvision's and COCO's result layout: lists side by side.
        ('{"boxes": [[10, 20, 300, 400], [50, 60, 70, 80]], "scores": [0.9, 0.8]}', [A, B], [0.9, 0.8]),
        ('{"boxes": [[10, 20, 300, 400]], "scores": [0.9]}', [A], [0.9]),
        ('{"boxes": [[10, 20, 300, 400], [50, 60, 70, 80]], "scores": [0.9]}', [A, B], [0.9, 0.9]),
        ("{'boxes': [" + "[50, 60, 70, 80], " * 4 + "], 'scores': [0.1, 0.2, 0.3, 0.4]}", [B] * 4, [0.1, 0.2, 0.3, 0.4]),
        # A key that says confidence over four coordinates: a box under any key.
        ("{'Confidence': [10, 20, 300, 400]}", [A], [1.0]),
        # Prose, where colons are missing.
        ("[10, 20, 300, 400] with confidence 0.95", [A], [0.95]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence' 0.5}]", [A], [0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 90 %}]", [A], [0.9]),
        # Chinese punctuation, in which Qwen's models fall back under a Chinese prompt.
        ("（10，20），（300，400）", [A], [1.0]),
        ("［10，20，300，400］", [A], [1.0]),
        ("【10、20、300、400】", [A], [1.0]),
        ("坐标：［10，20，300，400］", [A], [1.0]),
        # Quotes of a word processor.
        ("[{“Position”: [10, 20, 300, 400], “Confidence”: 0.5}]", [A], [0.5]),
    ],
)  # fmt: skip
def test_boxes_written_oddly(answer: str, boxes: list[list[float]], scores: list[float]) -> None:
    found = parse_detections(answer)
    assert found.boxes.tolist() == boxes
    assert found.scores.tolist() == scores


@pytest.mark.parametrize(
    "answer",
    [
        # Pairs of numbers that aren't the corners of a box, whatever their brackets.
        "{'points': [[10, 20], [300, 400]]}", "{'polygon': [(10, 20), (300, 400)]}", "{'center': [10, 20], 'size': [300, 400]}",
        "{'keypoints': [[10, 20], [300, 400]]}", "{'top_left': [10, 20], 'top_right': [300, 20]}",
        # Confidences that don't fit their boxes are dropped, not turned into boxes.
        "{'scores': [0.1, 0.2, 0.3, 0.4]}",
    ],
)  # fmt: skip
def test_what_is_no_box(answer: str) -> None:
    found = parse_detections(answer)
    assert len(found) == 0
    assert found.issues


def test_confidences_that_do_not_fit_are_an_issue() -> None:
    found = parse_detections("{'boxes': [[10, 20, 300, 400], [50, 60, 70, 80]], 'scores': [0.1, 0.2, 0.3]}")
    assert found.issues[0].kind == "confidence_unreadable"
    assert found.scores.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("answer", "empty"),
    [
        ("[{'Confidence': 0.3}, {'Position': [1, 2, 30, 40]}]", ["{'Confidence': 0.3}"]),
        ("[{'Position': [1, 2, 30, 40]}, {'label': 'bus'}, {}]", ["{'label': 'bus'}"]),
        ("[{'Position': [1, 2, 30, 40]}, {'Confidence': 0.3}]", []),  # it belongs to the box before
        ("[{'Position': [], 'Confidence': 0}]", []),  # says that there are none
    ],
)
def test_an_item_without_a_box_is_an_issue(answer: str, empty: list[str]) -> None:
    assert [issue.text for issue in parse_detections(answer).issues if issue.kind == "empty_item"] == empty


def test_a_label_in_curly_quotes() -> None:
    assert parse_detections("[{“label”: “hot dog”, “bbox_2d”: [10, 20, 300, 400]}]").labels == ("hot dog",)


@pytest.mark.parametrize(
    ("answer", "none"),
    [
        # The prompt names the category, so models name it in the denial.
        ("No bus", True), ("no fire hydrant.", True), ("No hot dogs here", True), ("Zero objects found", True), ("0 objects", True),
        ("NoObjects", True), ("Not present", True), ("absent", True), ("I'm unable to find any buses", True), ("There exist no buses", True),
        ("There appears to be no bus", True), ("no results", True), ("Empty list.", True),
        # 'No' to something else: an exhaustive reading of the sentence would pay for a claim that there is one.
        ("No, there is a bus in the image", False), ("There is no doubt: a bus", False), ("with no hesitation: a bus", False),
        ("There is no way to tell", False), ("No idea", False), ("no clue", False), ("No problem", False), ("no one", False),
        ("No, it is a bus", False), ("without any doubt a bus", False),
    ],
)  # fmt: skip
def test_saying_that_there_are_none(answer: str, none: bool) -> None:
    assert parse_detections(answer).status is (Status.NO_OBJECTS if none else Status.UNPARSABLE)


KEYS = ("Position", "bbox_2d", "bbox", "box", "BoundingBox", "coordinates", "bounding_box", "region")
CONFIDENCES = ("Confidence", "confidence", "score", "conf", "probability")
NAMES = ("label", "class", "category", "name", "object_name")
EXTRAS = [
    ("id", 3), ("area", 120.5), ("attributes", ["a", "b"]), ("size", "large"), ("color", [1, 2, 3, 4]), ("visible", True),
    ("note", None), ("order", [1, 2]), ("reason", "the man's hat at [3, 4]"), ("iscrowd", 0), ("x", 5), ("text", "confidence is low"),
    ("keypoints", [[1, 2], [3, 4], [5, 6]]), ("center", [5, 6]), ("timestamp", "12:30"), ("image_size", [640, 480]),
]  # fmt: skip


@pytest.mark.parametrize("seed", range(300))
def test_well_formed_lists_mean_what_a_real_decoder_reads(seed: int) -> None:
    """Items with other keys, in any order, with fields that mean nothing, written by `json` and by `repr`."""
    rng = random.Random(seed)
    items, expected = [], []
    for _ in range(rng.randrange(1, 5)):
        x, y = rng.randrange(900), rng.randrange(900)
        box = [x, y, x + rng.randrange(1, 100), y + rng.randrange(1, 100)]
        confidence = rng.randrange(101) / 100 if rng.random() < 0.7 else None
        label = rng.choice([None, "bus", "hot dog", "man's hat", "a, b", "bus (red)", "n°5", "[x]"])
        fields: list[tuple[str, object]] = [(rng.choice(KEYS), box), *rng.sample(EXTRAS, rng.randrange(3))]
        if confidence is not None:
            fields.append((rng.choice(CONFIDENCES), confidence))
        if label is not None:
            fields.append((rng.choice(NAMES), label))
        rng.shuffle(fields)
        items.append(dict(fields))
        expected.append((box, 1.0 if confidence is None else confidence, label))
    written: object = {"objects": items} if rng.random() < 0.3 else items
    text = (
        repr(written) if rng.random() < 0.5 else json.dumps(written, indent=rng.choice([None, 2]), ensure_ascii=False)
    )
    found = parse_detections(text)
    assert list(zip(found.boxes.tolist(), found.scores.tolist(), found.labels, strict=True)) == expected


FLOWERS = ["rose", "lotus", "tiger lily", "sunflower", "wallflower", "buttercup"]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        # Negations that stand further away, or after the name.
        ("I do not think that it is a rose", None), ("I don't believe this to be a rose", None), ("I doubt it is a rose", None),
        ("It is unlikely to be a rose", None), ("it can not be a rose", None), ("a rose is not what this is", None), ("A rose? No.", None),
        ("rose is wrong", None), ("not unlike a rose", None), ("almost a rose", None), ("similar to a rose", None),
        # ... and what only looks like one.
        ("There is no doubt: a rose", "rose"), ("without a doubt a rose", "rose"), ("rose, not a lotus", "rose"), ("It's a rose. No lotus.", "rose"),
        ("not a lotus, rather a rose", "rose"), ("nothing but a rose", "rose"), ("it is a rose, which is not a lotus", "rose"),
        # A second guess, however shyly it is made.
        ("rose; or maybe lotus", None), ("rose, perhaps lotus", None), ("lotus? No: rose", None),
        ("maybe rose", "rose"), ("definitely a rose", "rose"), ("a beautiful rose", "rose"),
        # Half of a long name is not a misspelling of it.
        ("flower", None), ("a flower", None), ("butter", None), ("wall", None), ("snflower", "sunflower"), ("butercup", "buttercup"),
        # Markup of models that format their answers.
        ("<b>rose</b>", "rose"), ("rose</answer>", "rose"), ("rose<|im_end|>", "rose"), ("<rose>", "rose"), ("rose ❤️", "rose"),
    ],
)  # fmt: skip
def test_labels_said_oddly(text: str, label: str | None) -> None:
    assert LabelMatcher(FLOWERS).match(parse_label(text).text).label == label


@pytest.mark.parametrize(
    ("labels", "text", "label"),
    [
        # One letter 'A' is a name's own where nothing follows it, or a number does; elsewhere it is an article.
        (["Type A", "Type B"], "type", None), (["Type A", "Type B"], "it is a type A.", "Type A"),
        (["A-10", "F-10"], "10", None), (["A-10", "F-10"], "an A-10 plane", "A-10"), (["F/A-18", "F-16"], "F-18", None), (["F/A-18", "F-16"], "FA 18", "F/A-18"),
        # The year on either side, in a sentence and with the word breaks of a brochure.
        (["2012 Tesla Model S Sedan"], "It's a Tesla Model S Sedan 2012.", "2012 Tesla Model S Sedan"),
        (["2012 Ford F-150 Cab", "2007 Ford F-150 Cab"], "Ford F150 Cab 2007", "2007 Ford F-150 Cab"),
        (["2012 Ford F-150 Cab", "2007 Ford F-150 Cab"], "2007 Ford F-150 Cab 2012", None),
        # Scripts in which a mark makes another letter, and those in which it may be left out.
        (["か", "が"], "が", "が"), (["का", "की"], "की", "की"), (["กา", "ก่า"], "กา", "กา"), (["أحمر", "أزرق"], "أَحْمَر", "أحمر"),
        (["גדול", "קטן"], "גָּדוֹל", "גדול"), (["ё", "я"], "е", "ё"), (["北京", "東京"], "東京。", "東京"),
    ],
)  # fmt: skip
def test_names_of_every_kind(labels: list[str], text: str, label: str | None) -> None:
    assert LabelMatcher(labels).match(text).label == label
