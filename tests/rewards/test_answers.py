"""parse_detections, parse_box and parse_label: every dialect, and a reason for every drop."""

# ruff: noqa: E501 (a table reads best with one case a line)
from __future__ import annotations

import pickle

import numpy as np
import pytest

from vrft_rewards import Status, parse_box, parse_detections, parse_label

A, B = [10, 20, 300, 400], [50, 60, 70, 80]


@pytest.mark.parametrize(
    ("answer", "boxes", "scores"),
    [
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.87}]", [A], [0.87]),
        ('[{"Position": [10, 20, 300, 400], "Confidence": 0.87}]', [A], [0.87]),
        ("[\n  {\n 'Position': [10,20,300,400],\n 'Confidence': .5\n }\n]", [A], [0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.9}, {'Position': [50, 60, 70, 80], 'Confidence': 0.1}]", [A, B], [0.9, 0.1]),
        ("{'Position': [10, 20, 300, 400], 'Confidence': 1}", [A], [1.0]),
        ("[{'Confidence': 0.3, 'Position': [10, 20, 300, 400]}, {'Confidence': 0.4, 'Position': [50, 60, 70, 80]}]", [A, B], [0.3, 0.4]),
        ('[{"bbox_2d": [10, 20, 300, 400], "label": "face"}]', [A], [1.0]),
        ('```json\n[{"bbox_2d": [10, 20, 300, 400], "label": "bus", "score": 0.5}]\n```', [A], [0.5]),
        ("[10, 20, 300, 400]", [A], [1.0]),
        ("10, 20, 300, 400", [A], [1.0]),
        ("[10 20 300 400]", [A], [1.0]),
        ("[[10, 20, 300, 400], [50, 60, 70, 80]]", [A, B], [1.0, 1.0]),
        ("[[10, 20, 300, 400], 0.4]", [A], [0.4]),
        ("[[10, 20, 300, 400, 0.4], [50, 60, 70, 80, 0.6]]", [A, B], [0.4, 0.6]),
        ("(10,20),(300,400)", [A], [1.0]),
        ("(10,20),(300,400),(50,60),(70,80)", [A, B], [1.0, 1.0]),
        ("[[10, 20], [300, 400]]", [A], [1.0]),
        ("The box goes from (10, 20) to (300, 400).", [A], [1.0]),
        ("<|box_start|>(10,20),(300,400)<|box_end|>", [A], [1.0]),
        ("<|object_ref_start|>bus<|object_ref_end|><|box_start|>(10,20),(300,400)<|box_end|><|box_start|>(50,60),(70,80)<|box_end|>", [A, B], [1.0, 1.0]),
        ("<box>10, 20, 300, 400</box>", [A], [1.0]),
        ("<box>(10,20),(300,400)</box>", [A], [1.0]),
        ("[{'x1': 10, 'y1': 20, 'x2': 300, 'y2': 400, 'Confidence': 0.25}]", [A], [0.25]),
        ('{"xmin": 10, "xmax": 300, "ymin": 20, "ymax": 400}', [A], [1.0]),
        ('{"bbox": {"x_min": 10, "y_min": 20, "x_max": 300, "y_max": 400}, "confidence": 0.5}', [A], [0.5]),
        ("x1=10, y1=20, x2=300, y2=400", [A], [1.0]),
        # Misspelt and invented keys, as in real logs.
        ("[{' Position': [10, 20, 300, 400], 'Confidence': 0.5}]", [A], [0.5]),
        ("[{'Postion': [10, 20, 300, 400], 'Conf': 0.5}]", [A], [0.5]),
        ("[{'Bounding Box': [10, 20, 300, 400], 'Confidence': 0.5}]", [A], [0.5]),
        ("[{'BoundingBox': [10, 20, 300, 400], 'confidence score': 0.5}]", [A], [0.5]),
        ("[{'Face 1: [10, 20, 300, 400], 'Confidence': 0.98}]", [A], [0.98]),
        # Quotes that don't match, and apostrophes inside a label.
        ("[{\"Position': [10, 20, 300, 400], 'Confidence': 0.5}]", [A], [0.5]),
        ("[{'bbox_2d': [10, 20, 300, 400], 'label': 'old man's face', 'confidence': 0.5}]", [A], [0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': '0.5'}]", [A], [0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 95%}]", [A], [0.95]),
        # Broken lists with intact boxes.
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.5]}]", [A], [0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.5}}]", [A], [0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.}]", [A], [0.0]),
        ("[{'Position': [10, 20, 300, 400), 'Confidence': 0.5}]", [A], [0.5]),
        ("[[{'Position': [10, 20, 300, 400], 'Confidence': 0.5}]]", [A], [0.5]),
        ("[{'Position': [[10, 20, 300, 400]], 'Confidence': 0.5}]", [A], [0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.5}, ...]", [A], [0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.5}, {...}...]", [A], [0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.5}]\\end{answer}", [A], [0.5]),
        ("[\\n{'Position': [10, 20, 300, 400], 'Confidence': 0.5}\\n]", [A], [0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.5}], {'Position': [50, 60, 70, 80], 'Confidence': 0.6}]", [A, B], [0.5, 0.6]),
        ("[{'Position': [10, 20, 300, 400]}, {'Confidence': 0.85}]", [A], [0.85]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.5, 'bbox_2d': [50, 60, 70, 80]}]", [A, B], [0.5, 0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.5}, {'Position': [50, 60, 7", [A], [0.5]),
        ("[{'Position': [10, 20, 300, 400], 'Confid", [A], [1.0]),
        ("Here it is: [10, 20, 300, 400]. It is the only one.", [A], [1.0]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.5}] No Objects", [A], [0.5]),
    ],
)  # fmt: skip
def test_dialects(answer: str, boxes: list[list[float]], scores: list[float]) -> None:
    found = parse_detections(answer)
    assert found.boxes.tolist() == boxes
    assert found.scores.tolist() == scores
    assert found.status is Status.BOXES
    assert found.boxes.dtype == found.scores.dtype == np.float64
    assert len(found) == len(found.labels) == len(boxes)


@pytest.mark.parametrize(
    "answer",
    [
        "No Objects", " no objects. ", "'No Objects'", "['No Objects']", '["No Objects"]', "['No Object']", "['No Objects', 0.0, 0.0]",
        "None", "null", "[]", " [ ] ", "{}", "[{}]", "[[]]", "```json\n[]\n```", "[{'Position': [], 'Confidence': 0.0}]",
        "[{'Position': None, 'Confidence': 0.00}]", "{'Face': [None, None], 'Confidence': 0.0}}",
        "No objects belonging to the category 'bus' in the image.", "No Objects belonging to the category 'hot dog' are visible",
        "There are no buses in the image.", "There is no fire hydrant.", "There isn't a bus in this picture.",
        "The image does not contain any toilets.", "I cannot see any toilet.", "I can't find a bed.",
        "None of the specified objects are present in the image.", "No bus is visible.", "No instances found",
        "The category is not present in the image.",
    ],
)  # fmt: skip
def test_no_objects(answer: str) -> None:
    found = parse_detections(answer)
    assert found.status is Status.NO_OBJECTS
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == (0,)


@pytest.mark.parametrize(
    "answer",
    [
        "a bus", "['toilet', 'sink']", "[{'Error':'bbox_missing'}]", "[{'Position': [", "[10, 20, 300]", "42", "(10, 20)", "0.5",
        "None of the type", "[10, 20, 300, 400", "[1, 2, 3, 4, 5, 6, 7, 8]", "[[1,2],[30,2],[30,40],[1,40]]",
        "[10-20-300-400]", "[1０, 2, 30, 40]", "[１, ２, ３, ４]", "[1e999, 0, 5, 5]", "[nan, nan, nan, nan]", "[Infinity, 0, 5, 5]",
        "[1_0, 20, 300, 400]", "[0x1, 2, 3, 4]", "[10px, 20px, 30px, 40px]", "{'color': [1, 2, 30, 40]}",
        "[{'Position': [0, 0, 0, 0], 'Confidence': 0.0}]", "[30, 40, 10, 20]", "[[1, 2, [30, 40]]]",
        "[1, 2, 3, " + "4" * 5000 + "]", "\ud800", "\0", "[\0]",
    ],
)  # fmt: skip
def test_unparsable_says_why(answer: str) -> None:
    found = parse_detections(answer)
    assert found.status is Status.UNPARSABLE
    assert len(found) == 0
    assert found.issues
    assert all(len(issue.text) <= 80 for issue in found.issues)


@pytest.mark.parametrize("answer", [None, "", " \n"])
def test_missing(answer: str | None) -> None:
    assert parse_detections(answer).status is Status.MISSING
    assert parse_box(answer).status is Status.MISSING
    assert parse_label(answer).status is Status.MISSING


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.9}, {'Position': [5, 5, 5, 9], 'Confidence': 0.9}]", ["inverted"]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 50}]", ["confidence_range"]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': -9}]", ["confidence_range"]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': NaN}]", ["confidence_unreadable", "confidence_missing"]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 1e999}]", ["not_a_number", "confidence_missing"]),
        ("[{'Position': [10, 20, 300, 400]}]", ["confidence_missing"]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.9}, {'Position': [1, 2, 3], 'Confidence': 0.9}]", ["not_a_box"]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.9}, {'Position': [1, 2", ["truncated"]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.", ["truncated", "confidence_missing"]),
        ("[{'Position': [-5, 20, 300, 1400], 'Confidence': 0.9}]", ["out_of_range"]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.9}] No Objects", ["contradiction"]),
        ("[{'Position': [10, 20, 300, 400], 'Confidence': 0.9}, {'point_2d': [1, 2]}]", ["not_a_box"]),
    ],
)  # fmt: skip
def test_each_drop_or_change_has_an_issue(answer: str, kinds: list[str]) -> None:
    found = parse_detections(answer)
    assert [str(issue.kind) for issue in found.issues] == kinds
    assert len(found) == 1


def test_confidences_are_clipped() -> None:
    answer = "[{'Position': [1, 2, 3, 4], 'Confidence': 50}, {'Position': [1, 2, 3, 5], 'Confidence': -9}]"
    assert parse_detections(answer).scores.tolist() == [1.0, 0.0]


def test_issue_positions_point_into_the_answer() -> None:
    answer = "[{'Position': [10, 20, 300, 400], 'Confidence': 0.9}, {'Position': [5, 5, 5, 9], 'Confidence': 0.9}]"
    (issue,) = parse_detections(answer).issues
    assert answer[issue.position :].startswith(issue.text) and issue.text == "[5, 5, 5, 9]"  # noqa: PT018


def test_labels_are_read() -> None:
    answer = (
        "[{'bbox_2d': [1, 2, 3, 4], 'label': \"man's hat\"}, {'label': 'bus', 'bbox_2d': [1, 2, 3, 5]}, [1, 2, 3, 6]]"
    )
    assert parse_detections(answer).labels == ("man's hat", "bus", None)


def test_a_key_before_several_boxes_or_a_nested_one_counts_for_all() -> None:
    nested = '{"confidence": 0.5, "label": "bus", "bbox": {"x1": 1, "y1": 2, "x2": 3, "y2": 4}}'
    several = '{"confidence": 0.5, "label": "bus", "boxes": [[1, 2, 3, 4], [1, 2, 3, 5]]}'
    assert parse_detections(nested).labels == ("bus",)
    assert parse_detections(nested).scores.tolist() == [0.5]
    assert parse_detections(several).labels == ("bus", "bus")
    assert parse_detections(several).scores.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("space", "size", "box", "expected"),
    [
        ("norm1000", None, [-5, 0, 1200, 500], [0, 0, 1000, 500]),
        ("norm1", None, [0.1, 0.2, 1.5, 0.4], [0.1, 0.2, 1.0, 0.4]),
        ("pixels", (640, 480), [600, 400, 700, 500], [600, 400, 640, 480]),
        ("pixels", None, [600, 400, 7000, 5000], [600, 400, 7000, 5000]),
        # What the model saw is its processor's business: without its size nothing is known of the edges.
        ("pixels-resized", (640, 480), [600, 400, 700, 500], [600, 400, 700, 500]),
    ],
)
def test_boxes_are_clipped_to_their_space(
    space: str, size: tuple[int, int] | None, box: list[float], expected: list[float]
) -> None:
    assert parse_detections(str(box), space, size).boxes.tolist() == [expected]  # type: ignore[arg-type]


def test_out_of_range_and_inverted_as_asked() -> None:
    assert len(parse_detections("[-5, 0, 10, 10]", out_of_range="reject")) == 0
    assert parse_detections("[-5, 0, 10, 10]", out_of_range="keep").boxes.tolist() == [[-5, 0, 10, 10]]
    assert parse_detections("[30, 10, 20, 40]", inverted="swap").boxes.tolist() == [[20, 10, 30, 40]]
    flat = parse_detections("[30, 10, 20, 10]", inverted="swap")  # inverted and without area: said once
    assert not len(flat)
    assert [str(issue.kind) for issue in flat.issues] == ["inverted"]
    assert parse_detections("[2000, 10, 3000, 40]").status is Status.UNPARSABLE


def test_at_most_max_boxes_are_kept_and_said() -> None:
    found = parse_detections("[" + ", ".join(["[1, 2, 3, 4]"] * 3000) + "]")
    assert len(found) == 1000
    assert "too_many_boxes" in {str(issue.kind) for issue in found.issues}


@pytest.mark.parametrize(("space", "size", "field"), [("norm100", None, "space"), ("pixels", (0, 5), "image_size")])
def test_bad_configuration_is_an_error(space: str, size: tuple[int, int] | None, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        parse_detections("[]", space, size)  # type: ignore[arg-type]


def test_parse_box_takes_the_first_and_says_so() -> None:
    found = parse_box("(10,20),(300,400) or (50,60),(70,80)")
    assert found.box is not None
    assert found.box.tolist() == A
    assert [str(issue.kind) for issue in found.issues] == ["several_boxes"]
    assert parse_box("No Objects").box is None


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("rose", "rose"),
        (" Pink Primrose.\n", "Pink Primrose"),
        ("**Pink primrose**", "Pink primrose"),
        ("'pink primrose'", "pink primrose"),
        ('{"label": "pink primrose"}', "pink primrose"),
        ("Species: pink primrose", "pink primrose"),
        ("The species is pink primrose.", "pink primrose"),
        ("```\nrose\n```", "rose"),
        ("2012 Acura RL Sedan", "2012 Acura RL Sedan"),
        ("F-16A/B", "F-16A/B"),
        ("pink\n  primrose", "pink primrose"),
        ("...", ""),
    ],
)
def test_parse_label(answer: str, text: str) -> None:
    assert parse_label(answer).text == text


def test_detections_pickle() -> None:
    found = parse_detections("[[1, 2, 3, 4], [1, 2, 3, 5]]")
    again = pickle.loads(pickle.dumps(found))
    assert again.boxes.tolist() == found.boxes.tolist()
    assert (again.labels, again.status, again.issues) == (found.labels, found.status, found.issues)
