"""Cheats at grounding: one box, of which any other one must earn less."""

from __future__ import annotations

from collections.abc import Sequence

from .boxes import NUMBERS, SINGLES, WHOLE, away, near, not_boxes, rewritten, sharing
from .kit import Kit, Scene
from .types import Bet, Probe, Rule
from .writer import Box, Writer

__all__ = ["grounding_kit", "grounding_probes"]


def grounding_kit(writer: Writer) -> Kit:
    """Return scenes with one object each."""

    def scene(box: Box) -> Scene:
        return Scene(list(box), *(writer.boxes([b], None) for b in (box, near(box), away([box])[0])))

    return Kit(writer, tuple(scene(box) for box in SINGLES))


def grounding_probes(kit: Kit) -> list[Probe]:
    """Return every way to cheat at grounding."""
    w, scenes = kit.writer, kit.scenes
    every: list[Sequence[Scene]] = [scenes]
    grid = [(x, y, x + 100, y + 100) for x in range(0, 1000, 100) for y in range(0, 1000, 100)]
    truths: list[Box] = [(s.truth[0], s.truth[1], s.truth[2], s.truth[3]) for s in scenes]
    shared = tuple(
        Bet((kit.case(w.boxes([box], None), scene),), kit.attempt([scene]), kit.right([scene]))
        for scene, truth in zip(scenes, truths, strict=True)
        for box in sharing(truth, [truth])
    )
    two = tuple(
        Bet(
            tuple(kit.case(w.boxes(pair, None), scene) for pair in (both, both[::-1])),
            kit.attempt([scene]),
            kit.right([scene]),
        )
        for scene, truth in zip(scenes, truths, strict=True)
        for both in [[near(truth), away([truth])[0]]]
    )
    return [
        kit.blind("empty-answer", "an answer that says nothing earned as much as an honest attempt",
                  ["", " ", "\n", ".", "[", "[]", "It is there.", "No Objects"], every),
        kit.texts("empty-completion", "a completion without an answer earned as much as an honest attempt",
                  ["", " ", "It is there.", "<answer>", "</think>"], every),
        kit.blind("whole-image-box", "a box around the whole image earned as much as an honest attempt",
                  [w.boxes([WHOLE], None)], every),
        kit.blind("box-spam", "covering the image with boxes earned as much as an honest attempt",
                  [w.boxes(grid, None), w.boxes(grid[::-1], None)], every),
        *not_boxes(kit, every),
        Probe("number-match", Rule.BELOW, NUMBERS, shared),
        Probe("two-boxes", Rule.NOT_ABOVE, "two boxes, one of them right, earned more than either at random", two),
        kit.leaks(scenes[:2], "box"),
        kit.hedges(scenes[:2]),
        kit.tag_tricks(every),
        _mixed_corners(kit, truths),
        *kit.dressed(scenes[:2]),
        *rewritten(kit, scenes[:2]),
    ]  # fmt: skip


def _mixed_corners(kit: Kit, truths: Sequence[Box]) -> Probe:
    """Two small boxes in opposite corners of the object: together they are right, each of them is wrong."""
    w = kit.writer
    pairs = []
    for scene, (x1, y1, x2, y2) in zip(kit.scenes, truths, strict=True):
        small: list[Box] = [(x1, y1, x1 + 20, y1 + 20), (x2 - 20, y2 - 20, x2, y2)]
        pairs += [(w.say(w.boxes(both, None)), w.say(w.boxes(both[:1], None)), scene) for both in (small, small[::-1])]
    why = "two small boxes earned more than the first of them: the corners of several boxes are made into one"
    return kit.twins("mixed-corners", why, Rule.NOT_ABOVE, pairs)
