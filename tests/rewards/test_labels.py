"""LabelMatcher: the same name however it is written, and never another one's."""

# ruff: noqa: E501 (a table reads best with one case a line)
from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from vrft_rewards import ClassificationReward, LabelMatcher

FLOWERS = ["pink primrose", "rose", "desert-rose", "english marigold", "marigold", "black-eyed susan", "tiger lily",
           "fire lily", "prince of wales feathers", "garden phlox", "yellow iris", "petunia", "snapdragon"]  # fmt: skip
AIRCRAFT = ["BAE 146-200", "BAE 146-300", "737-200", "737-300", "A320", "A321", "F-16A/B", "DC-8", "DC-9-30",
            "Gulfstream IV", "Gulfstream V", "Spitfire", "Boeing 717"]  # fmt: skip
CARS = ["2012 Acura RL Sedan", "2012 Acura TL Sedan", "2012 Audi S4 Sedan", "2007 Audi S4 Sedan", "2012 BMW M3 Coupe"]


@pytest.mark.parametrize("labels", [FLOWERS, AIRCRAFT, CARS])
def test_every_label_is_itself(labels: list[str]) -> None:
    matcher = LabelMatcher(labels)
    for label in labels:
        for text in (
            label,
            label.upper(),
            label.replace("-", " "),
            label.replace(" ", "_"),
            f" {label}.\n",
            f"the {label}",
        ):
            assert matcher.match(text).label == label, text


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Black eyed Susans", "black-eyed susan"),
        ("tiger lilies", "tiger lily"),
        ("prince of wales' feathers", "prince of wales feathers"),
        ("pink primrosse", "pink primrose"),
        ("petunnia", "petunia"),
        ("It is a Tiger Lily, I think.", "tiger lily"),
        ("This is not a rose but a tiger lily", "tiger lily"),
        ("desert rose", "desert-rose"),
        ("Phlox paniculata", "garden phlox"),
        ("iris, yellow", "yellow iris"),
        ("The breed shows a rose in bloom", "rose"),
        ("snap dragon", "snapdragon"),
        # One mention inside a longer one is not another answer.
        ("an English marigold flower", "english marigold"),
    ],
)
def test_flowers_named(text: str, label: str) -> None:
    assert LabelMatcher(FLOWERS, aliases={"garden phlox": ["Phlox paniculata"]}).match(text).label == label


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("...", "empty"),
        ("r", "no label"),
        ("lily", "no label"),
        ("primrose", "no label"),
        ("daffodil", "no label"),
        ("not a rose", "negated"),
        ("It isn't a rose", "negated"),
        ("anything but a rose", "negated"),
        ("It is far from a rose", "negated"),
        ("hardly a rose", "negated"),
        ("rose or petunia", "ambiguous"),
        (", ".join(FLOWERS), "ambiguous"),
        ("rose, not a rose", "negated"),
        # Other flowers, though a label is among their words.
        ("christmas rose", "no label"),
        ("rose of sharon", "no label"),
        ("christmass rose", "no label"),
    ],
)
def test_flowers_not_named(text: str, word: str) -> None:
    match = LabelMatcher(FLOWERS).match(text)
    assert match.label is None
    assert word in match.reason


@pytest.mark.parametrize("text", ["146-200", "BAE 146-400", "737", "737-400", "A322", "A32", "Gulfstream VI", "Gulfstream",
                                  "DC-8-100", "DC-9", "737-200-300", "F-16", "Boeing 727"])  # fmt: skip
def test_designations_are_never_nearly_right(text: str) -> None:
    assert LabelMatcher(AIRCRAFT).match(text).label is None


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Acura RL Sedan 2012", "2012 Acura RL Sedan"),
        ("2012 Accura RL Sedan", "2012 Acura RL Sedan"),
        ("2011 Acura RL Sedan", None),
        ("2012 Acura ZL Sedan", None),
        ("Audi S4 Sedan", None),
        ("Audi S4 Sedan 2007", "2007 Audi S4 Sedan"),
    ],
)
def test_cars(text: str, label: str | None) -> None:
    assert LabelMatcher(CARS).match(text).label == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("rosse", "rose"),
        ("roose", "rose"),
        ("The rosse.", "rose"),
        ("prose", None),
        ("arose", None),
        ("rosea", None),
        ("lottus", "lotus"),
        ("ltous", "lotus"),
        ("lous", "lotus"),
        ("locus", None),
        ("thisttle", "thistle"),
        ("thsitle", "thistle"),
        ("whistle", None),
        ("bristle", None),
        ("water lilly", "water lily"),
        ("waterr lily", "water lily"),
        ("watter lilly", "water lily"),
        ("snapdragn", "snapdragon"),
        ("znapdragon", "snapdragon"),
        # A doubled letter of the label itself may be written once.
        ("bal", None),
        ("popy", "poppy"),
        ("puppy", None),
    ],
)
def test_short_names_are_not_nearly_other_english_words(text: str, label: str | None) -> None:
    labels = ["rose", "lotus", "thistle", "water lily", "snapdragon", "ball", "poppy"]
    assert LabelMatcher(labels).match(text).label == label


def test_an_unlisted_truth_is_held_to_the_same_rule() -> None:
    reward = ClassificationReward()
    say = "<think>a</think><answer>{}</answer>"
    assert reward.score(say.format("rosse"), "rose").parts["accuracy"] == 1.0
    assert reward.score(say.format("prose"), "rose").parts["accuracy"] == 0.0


def test_unicode_is_unified() -> None:
    matcher = LabelMatcher(["Café rosé", "straße"])
    assert matcher.match("cafe\u0301 ROSE\u0301").label == "Café rosé"
    assert matcher.match("STRASSE").label == "straße"


@pytest.mark.parametrize(
    ("labels", "aliases", "message"),
    [
        ([], {}, "labels: the list is empty"),
        ("rose", {}, "labels: expected a list"),
        (["rose", " "], {}, r"labels\[1\]"),
        (["rose", 5], {}, r"labels\[1\]"),
        (["black-eyed susan", "Black eyed Susan"], {}, "same name"),
        (["rose"], {"tulip": ["x"]}, "aliases: 'tulip'"),
        (["rose"], {"rose": "rosa"}, r"aliases\['rose'\]"),
        (["rose", "lily"], {"rose": ["Lily"]}, "also a name of 'lily'"),
    ],
)
def test_bad_lists_are_errors(labels: list[str], aliases: dict[str, list[str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelMatcher(labels, aliases)


def test_picklable() -> None:
    matcher = pickle.loads(pickle.dumps(LabelMatcher(FLOWERS)))
    assert matcher.match("Rose").label == "rose"


def _longest_word_doubled(label: str) -> str:
    """Misspell a label: double the middle letter of its longest word."""
    word = max(label.replace("_", " ").split(), key=len)
    middle = len(word) // 2
    return (
        label.replace(word, word[:middle] + word[middle] + word[middle:]) if word.isalpha() and len(word) > 4 else label
    )


WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "title case": str.title,
    "underscores": lambda label: label.replace(" ", "_"),
    "no hyphens": lambda label: label.replace("-", " ").replace("_", " "),
    "article": lambda label: f"the {label}",
    "full stop": lambda label: f"{label}.",
    "quotes": lambda label: f'"{label}"',
    "sentence": lambda label: f"I think this is a {label}.",
    "first word last": lambda label: " ".join(label.split()[1:] + label.split()[:1]),
    "spaces": lambda label: f"  {label.replace(' ', '   ')} ",
    "a letter doubled": _longest_word_doubled,
}


@pytest.mark.parametrize("name", ["oxford_flowers", "pets", "fgvc_aircraft", "stanford_cars"])
def test_real_lists(name: str) -> None:
    """Every label is itself in twelve ways of writing it; and absent from the list, it is no other one."""
    root = os.environ.get("VRFT_TEST_DATA")
    path = (Path(root) if root else Path(__file__).resolve().parents[3] / "shared" / "data") / "labels" / f"{name}.txt"
    if not path.is_file():
        pytest.skip(f"no {path.name}: set VRFT_TEST_DATA to the folder that holds labels/")
    labels = path.read_text(encoding="utf-8").splitlines()
    matcher = LabelMatcher(labels)
    for way, write in WAYS.items():
        assert [label for label in labels if matcher.match(write(label)).label != label] == [], way
    for label in labels:
        others = LabelMatcher([other for other in labels if other != label])
        assert others.match(label).label is None, label
