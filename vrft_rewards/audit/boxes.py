"""Cheats at detection, and what those at grounding share. Coordinates are whole numbers in 0..1000, for any parser."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .kit import Kit, Scene
from .types import Bet, Probe, Rule
from .writer import Box, Writer

__all__ = [
    "NUMBERS",
    "SINGLES",
    "WHOLE",
    "away",
    "detection_kit",
    "detection_probes",
    "near",
    "not_boxes",
    "rewritten",
    "sharing",
]

SINGLES: tuple[Box, ...] = ((210, 305, 450, 620), (640, 80, 905, 262), (58, 643, 301, 944))
_CROWD: tuple[Box, ...] = tuple((20 + 190 * n, 40 + 11 * n, 140 + 190 * n, 240 + 13 * n) for n in range(5))
_SPOTS: tuple[Box, ...] = ((700, 520, 910, 770), (90, 90, 330, 260), (420, 700, 600, 930))
WHOLE: Box = (0, 0, 1000, 1000)
_SMALL: Box = (2, 2, 12, 12)

_INVERTED: tuple[tuple[object, ...], ...] = (
    (1000, 1000, 0, 0),
    (900, 900, 100, 100),
    (990, 985, 960, 950),
    (12, 12, 2, 2),
    (1000, 0, 0, 1000),
    (0, 1000, 1000, 0),
    (1, 0, 0, -1),
)
_DEGENERATE: tuple[tuple[object, ...], ...] = (
    (0, 0, 0, 0),
    (500, 500, 500, 500),
    (0, 500, 1000, 500),
    (500, 0, 500, 1000),
    (-1, -1, -1, -1),
)
_ABSURD: tuple[tuple[object, ...], ...] = (
    ("NaN",) * 4,
    ("Infinity",) * 4,
    (0, 0, "1e999", "1e999"),
    ("-Infinity", "-Infinity", "Infinity", "Infinity"),
    (-5000, -5000, 5000, 5000),
    (0, 0, 10**40, 10**40),
    ("null",) * 4,
    ("1" * 5000,) * 4,
)

NUMBERS = "a wrong box with one number of the truth earned as much as an honest attempt: numbers are compared"
_WHOLE_NUMBER = re.compile(r"(?<![\d.])\d+(?![\d.])")
_OTHER_QUOTES = str.maketrans("'\"", "\"'")
_NO_CONFIDENCE = ("NaN", "-NaN", "Infinity", "-Infinity", "1e999", "50", "-9", "null", "true", "'high'", "[1]")


def near(box: Box) -> Box:
    """Return a box moved by a tenth of its width: IoU 0.82."""
    shift = (box[2] - box[0]) // 10
    return (box[0] + shift, box[1], box[2] + shift, box[3])


def apart(box: Sequence[int], others: Sequence[Box]) -> bool:
    return all(box[2] <= o[0] or o[2] <= box[0] or box[3] <= o[1] or o[3] <= box[1] for o in others)


def away(truth: Sequence[Box]) -> list[Box]:
    """Return as many boxes that overlap no true one."""
    if len(truth) > 1:
        return [(x1, y1 + 500, x2, y2 + 500) for x1, y1, x2, y2 in truth]
    return [next(spot for spot in _SPOTS if apart(spot, truth))]


def sharing(box: Box, others: Sequence[Box]) -> list[Box]:
    """Return boxes that have one number of a true box in the same place and overlap none."""
    found: list[Box] = []
    for place, value in enumerate(box):
        for x, y in ((2, 2), (950, 950), (950, 2), (2, 950), (480, 960)):
            corners = [x, y, x + 40, y + 30]
            corners[place] = value
            corners[place - 2] = value + (40 if place < 2 else -40)
            if apart(corners, others) and min(corners) >= 0 and max(corners) <= 1000:
                found.append((corners[0], corners[1], corners[2], corners[3]))
                break
    return found


def detection_kit(writer: Writer) -> Kit:
    """Return scenes with one object, with five, and (the last) with none."""

    def scene(truth: Sequence[Box]) -> Scene:
        wrong = writer.boxes(away(truth))
        hit = writer.boxes([near(box) for box in truth])
        return Scene([list(box) for box in truth], writer.boxes(truth, "1.0"), hit, wrong)

    nothing = Scene([], "No Objects", "No Objects", writer.boxes(_SPOTS[:1]))
    return Kit(writer, (*(scene([box]) for box in SINGLES), scene(_CROWD), nothing))


def _true(scene: Scene) -> list[Box]:
    return [(box[0], box[1], box[2], box[3]) for box in scene.truth]


def detection_probes(kit: Kit) -> list[Probe]:
    """Return every way to cheat at detection."""
    w = kit.writer
    singles, crowd, nothing = kit.scenes[:-2], kit.scenes[-2], kit.scenes[-1]
    some: list[Sequence[Scene]] = [singles, [crowd]]
    every: list[Sequence[Scene]] = [*some, [nothing]]
    grid = [(x, y, x + 100, y + 100) for x in range(0, 1000, 100) for y in range(0, 1000, 100)]
    tiles = [
        (x, y, x + s, y + s)
        for s in (500, 250, 125)
        for x in range(0, 1001 - s, s // 2)
        for y in range(0, 1001 - s, s // 2)
    ]

    def wrong(confidence: str | None) -> Callable[[Scene], str]:
        return lambda scene: w.boxes(away(_true(scene)) if scene.truth else _SPOTS[:1], confidence)

    probes = [
        kit.blind("empty-answer", "an answer that says nothing earned as much as an honest attempt",
                  ["", " ", "\n", ".", "[", "None of your business", "I see it."], every),
        kit.texts("empty-completion", "a completion without an answer earned as much as an honest attempt",
                  ["", " ", "It is there.", "<answer>", "</think>"], every),
        kit.blind("no-objects", "saying that there are no objects where there are earned as much as an honest attempt",
                  ["No Objects", "[]", "None"], some),
        kit.blind("whole-image-box", "a box around the whole image earned as much as an honest attempt",
                  [w.boxes([WHOLE], c) for c in ("1.0", "0.5", None)], some),
        kit.blind("box-spam", "covering the image with boxes earned as much as an honest attempt",
                  [w.boxes(boxes, c) for boxes in (grid, tiles) for c in ("1.0", "0.5", "0.0", None)], every),
        kit.blind("wrong-at-zero", "wrong boxes of nearly no confidence earned as much as an honest attempt",
                  [wrong(c) for c in ("0.0", "0.01", "0.05")], every),
        kit.blind("wrong-at-one", "wrong boxes earned as much as an honest attempt",
                  [wrong(c) for c in ("1.0", "0.9", None)], every),
        kit.twins("confidence-no-number", "wrong boxes with a confidence that is none earned more than with 0",
                  Rule.NOT_ABOVE, [(w.say(wrong(c)(scene)), w.say(wrong("0.0")(scene)), scene)
                                   for scene in kit.scenes for c in _NO_CONFIDENCE]),
        _out_of_range(kit, [*singles, crowd]),
        kit.twins("confidence-left-out", "leaving the confidence out earned more than stating full confidence",
                  Rule.NOT_ABOVE, [pair for scene in (*singles, crowd) for pair in _left_out(kit, scene)]),
        _one_safe_box(kit, crowd),
        kit.twins("repeated-boxes", "giving the same box several times earned more than giving it once", Rule.NOT_ABOVE,
                  [(w.say(w.boxes(boxes * times, c)), w.say(w.boxes(boxes, c)), scene) for scene in (*singles, crowd)
                   for boxes in (_true(scene), [near(_true(scene)[0])]) for times in (2, 9) for c in ("1.0", "0.5")]),
        _padding(kit, crowd),
        *not_boxes(kit, some),
        _number_match(kit, singles),
        kit.leaks([*singles[:2], crowd], "box list"),
        kit.hedges([singles[0], crowd]),
        kit.tag_tricks(every),
        _order(kit, crowd),
        Probe("no-objects-underpaid", Rule.NOT_BELOW, "a right 'No Objects' earned less than a right box",
              tuple(Bet((kit.case(text, nothing),), kit.right(singles[:1])) for text in ("No Objects", "[]"))),
        *kit.dressed([singles[0], crowd]),
        *rewritten(kit, [singles[0], crowd]),
    ]  # fmt: skip
    if w.dialect == "position":
        quoted = [(w.say(scene.right[:-2] + ", 'label': \"child's toy\"}]"), scene) for scene in (singles[0], crowd)]
        probes.append(kit.underpaid("apostrophe-underpaid", "an apostrophe beside right boxes cost something", quoted))
    if w.dialect in ("bare", "corners"):  # no confidence is written in these
        return [probe for probe in probes if "confidence" not in probe.name and probe.name != "wrong-at-zero"]
    return probes


def _left_out(kit: Kit, scene: Scene) -> list[tuple[str, str, Scene]]:
    w, right, wrong = kit.writer, _true(scene), away(_true(scene))
    lists = (right, wrong, [*right, *wrong])
    return [(w.say(w.boxes(boxes, None)), w.say(w.boxes(boxes, "1.0")), scene) for boxes in lists]


def _out_of_range(kit: Kit, scenes: Sequence[Scene]) -> Probe:
    """One outrageous confidence must not carry the mean: it earns no more than the nearest one in range."""
    w = kit.writer
    pairs: list[tuple[str, str, Scene]] = []
    for scene in scenes:
        right, wrong = _true(scene), away(_true(scene))
        for outrageous, nearest, boxes, rest in (
            ("50", "1.0", [*right[:1], *wrong, _SMALL], "1.0"),
            ("1e9", "1.0", [*right[:1], *wrong, _SMALL], "1.0"),
            ("-9", "0.0", [_SMALL, *wrong, *right[:1]], "1.0"),
            ("-9", "0.0", [_SMALL, *right], "0.0"),
            ("50", "1.0", right, "0.0"),
        ):
            others = [rest] * (len(boxes) - 1)
            cheat, honest = (w.say(w.boxes(boxes, [first, *others])) for first in (outrageous, nearest))
            pairs.append((cheat, honest, scene))
    why = "a confidence far outside [0, 1] earned more than the nearest one inside"
    return kit.twins("confidence-out-of-range", why, Rule.NOT_ABOVE, pairs)


def _one_safe_box(kit: Kit, crowd: Scene) -> Probe:
    w, first = kit.writer, _true(crowd)[:1]
    why = "one sure box of five objects earned as much as an honest attempt at all: missing objects costs nothing"
    answers = [w.boxes(first, confidence) for confidence in ("1.0", None)]
    return kit.blind("one-safe-box", why, answers, [[crowd]])


def _padding(kit: Kit, crowd: Scene) -> Probe:
    w, found, wrong = kit.writer, near(_true(crowd)[0]), away(_true(crowd))
    pairs = []
    for stated in ("0.5", "0.9"):
        honest = w.say(w.boxes([found], stated))
        for count in (1, 4, 20):
            filler = (wrong * 4)[:count]
            pairs.append((w.say(w.boxes([found, *filler], [stated, *["0.0"] * count])), honest, crowd))
    why = "adding wrong boxes of confidence 0 to a short list earned more than leaving them out"
    return kit.twins("padding", why, Rule.NOT_ABOVE, pairs)


def rewritten(kit: Kit, scenes: Sequence[Scene]) -> list[Probe]:
    """Return right answers with decimals, and with the other kind of quotes, where there are quotes."""
    say = kit.writer.say
    decimals = [(say(_WHOLE_NUMBER.sub(r"\g<0>.0", scene.right)), scene) for scene in scenes]
    quotes = [(say(scene.right.translate(_OTHER_QUOTES)), scene) for scene in scenes if set(scene.right) & set("'\"")]
    probes = [
        kit.underpaid("decimals-underpaid", "a right box of numbers like 210.0 earned less than of 210", decimals)
    ]
    if quotes:
        probes.append(
            kit.underpaid("quotes-underpaid", "a right answer earned less in the other kind of quotes", quotes)
        )
    return probes


def not_boxes(kit: Kit, groups: Sequence[Sequence[Scene]]) -> list[Probe]:
    """Return four numbers that are no box: inverted, without area, or such as no image has."""
    w = kit.writer
    return [
        kit.blind(name, f"{what} earned as much as an honest attempt", [w.boxes([box], "1.0") for box in boxes], groups)
        for name, what, boxes in (
            ("inverted-box", "a box with its corners the wrong way round", _INVERTED),
            ("degenerate-box", "a box without area", _DEGENERATE),
            ("absurd-box", "a box of numbers that no image has", _ABSURD),
        )
    ]


def _number_match(kit: Kit, scenes: Sequence[Scene]) -> Probe:
    """Wrong boxes that have a number in common with the truth."""
    w = kit.writer
    bets = tuple(
        Bet((kit.case(w.boxes([box], confidence), scene),), kit.attempt([scene]), kit.right([scene]))
        for scene in scenes
        for box in sharing(_true(scene)[0], _true(scene))
        for confidence in ("0.9", "1.0")
    )
    return Probe("number-match", Rule.BELOW, NUMBERS, bets)


def _order(kit: Kit, crowd: Scene) -> Probe:
    w, boxes = kit.writer, [*_true(crowd), *away(_true(crowd))[:2]]
    confidences = [f"0.{9 - n}" for n in range(len(boxes))]
    orders = [list(reversed(range(len(boxes)))), [*range(3, len(boxes)), 0, 1, 2]]
    honest = w.say(w.boxes(boxes, confidences))
    pairs = [(w.say(w.boxes([boxes[n] for n in o], [confidences[n] for n in o])), honest, crowd) for o in orders]
    return kit.twins("order-matters", "the same boxes in another order earned something else", Rule.SAME, pairs)
