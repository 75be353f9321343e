"""Cheats at classification: answers that hold, or are held by, or look like the right label."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from .kit import Kit, Scene
from .types import Bet, Probe, Rule
from .writer import Writer

__all__ = ["LABELS", "classification_kit", "classification_probes"]

LABELS: tuple[str, ...] = (
    "pink primrose",
    "rose",
    "tiger lily",
    "desert rose",
    "english marigold",
    "marigold",
    "garden phlox",
    "prince of wales feathers",
    "BAE 146-200",
    "BAE 146-300",
    "2012 Acura TL Sedan",
    "2007 Audi S4 Sedan",
    "Boeing 737-700",
)
"""Names that contain one another, or differ in a digit: from Flowers102, FGVC-Aircraft and Cars196."""

_SCENES = 3
_DIGITS = re.compile(r"\d+")


def classification_kit(writer: Writer, labels: Sequence[str] = LABELS) -> Kit:
    """Return a scene for each of the first labels, and for some with digits."""
    chosen = list(dict.fromkeys([*labels[:_SCENES], *[label for label in labels if _DIGITS.search(label)][:2]]))
    return Kit(writer, tuple(Scene(label, label, label, _unlike(label, labels)) for label in chosen))


def _unlike(label: str, labels: Sequence[str]) -> str:
    """Return another label with no word or number in common."""
    words = set(_words(label))
    for other in labels:
        if not words & set(_words(other)) and label.lower() not in other.lower() and other.lower() not in label.lower():
            return other
    return "spotted hyena"


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def classification_probes(kit: Kit, labels: Sequence[str] = LABELS) -> list[Probe]:
    """Return every way to cheat at classification."""
    scenes = kit.scenes
    each: list[Sequence[Scene]] = [[scene] for scene in scenes]
    say = kit.writer.say

    def blind(name: str, why: str, answers: Sequence[str | Callable[[Scene], str]]) -> Probe:
        return kit.blind(name, why + " earned as much as an honest attempt", answers, each)

    return [
        blind("empty-answer", "an answer that says nothing", ["", " ", "\n", ".", "''", "_", "None"]),
        kit.texts("empty-completion", "a completion without an answer earned as much as an honest attempt",
                  ["", " ", "<answer>", "</think>"], each),
        blind("one-letter", "a single letter", ["e", "a", "r", "s", "1", "2", " "]),
        blind("all-labels", "naming every label", [sep.join(labels) for sep in (", ", " ", "\n", "")]),
        _two_labels(kit),
        _part_of_label(kit, labels),
        blind("negated", "saying that it is not the label",
              [lambda s: f"not {s.truth}", lambda s: f"It isn't a {s.truth}.", lambda s: f"anything but {s.truth}"]),
        _number_match(kit, labels),
        kit.leaks(scenes[:3], "label"),
        kit.hedges(scenes[:3]),
        kit.tag_tricks(each),
        kit.underpaid("spelling-underpaid", "a right label in another spelling earned less",
                      [(say(write(s.right)), s) for s in scenes for write in _SPELLINGS]),
        kit.dressed(scenes[:3])[0],
    ]  # fmt: skip


def _underscored(label: str) -> str:
    return label.replace(" ", "_")


_SPELLINGS: tuple[Callable[[str], str], ...] = (str.upper, str.title, _underscored, "{}.".format)


def _two_labels(kit: Kit) -> Probe:
    bets = []
    for scene in kit.scenes:
        for pattern in ("{} or {}", "{}, {}", "{}\n{}"):
            answers = [pattern.format(*pair) for pair in ((scene.right, scene.miss), (scene.miss, scene.right))]
            cheat = tuple(kit.case(answer, scene) for answer in answers)
            bets.append(Bet(cheat, kit.attempt([scene]), kit.right([scene])))
    why = "naming two labels, one right and one wrong, earned more than either at random"
    return Probe("two-labels", Rule.NOT_ABOVE, why, tuple(bets))


def _part_of_label(kit: Kit, labels: Sequence[str]) -> Probe:
    names = {label.lower() for label in labels}
    bets = []
    for scene in kit.scenes:
        truth: str = scene.truth
        squeezed = truth.lower().replace(" ", "")
        held = [other for other in labels if other != truth and _holds(squeezed, other.lower().replace(" ", ""))]
        words = [word for word in truth.split() if len(word) > 2 and word.lower() not in names and word != truth]
        for answer in (*held, *words, truth[: len(truth) // 2], truth[len(truth) // 2 :], f"wild {truth}grass"):
            bets.append(Bet((kit.case(answer, scene),), kit.attempt([scene]), kit.right([scene])))
    why = "another name that holds the label, or a part of it, earned as much as an honest attempt"
    return Probe("part-of-label", Rule.BELOW, why, tuple(bets))


def _holds(a: str, b: str) -> bool:
    return a in b or b in a


def _number_match(kit: Kit, labels: Sequence[str]) -> Probe:
    """Other labels with the same number, the number alone, and the variant that differs in a digit."""
    bets = []
    for scene in kit.scenes:
        numbers = _DIGITS.findall(scene.truth)
        answers = [other for other in labels if other != scene.truth and set(_DIGITS.findall(other)) & set(numbers)]
        answers += numbers
        for number in numbers:
            answers += [scene.truth.replace(number, str(int(number) + 1)), f"Antonov {number}"]
        bets += [Bet((kit.case(a, scene),), kit.attempt([scene]), kit.right([scene])) for a in dict.fromkeys(answers)]
    why = "another label with a number of the right one, or the number alone, earned as much as an honest attempt"
    return Probe("number-match", Rule.BELOW, why, tuple(bets))
