"""Which of a closed list of labels a text names: exactly, by an alias, by mention, or nearly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from .normalise import Clauses, clauses, is_code, spelling, tokens
from .typos import believable
from .words import AFTER, BEFORE, DENIALS, LIGHT, NEGATION_PAIRS, NEGATIONS, NO_DOUBT, TURNS, VERBS

__all__ = ["LabelMatch", "LabelMatcher"]

How = Literal["exact", "alias", "reordered", "mention", "fuzzy"]
Words = tuple[str, ...]

MAX_WORDS = 200
"""Words of a text that are read; a label that comes later isn't an answer."""

_NEGATION_REACH = 3
"""A negation rules out a label that begins at most this many words after it, light words not counted."""
_LIGHT_REACH = 12
_LENGTHS_APART = 2
"""Letters that a misspelt word may have more or less: 'flower' is no sunflower."""


@dataclass(frozen=True, slots=True)
class LabelMatch:
    """The label a text names, or None, how it was found, how alike (0 to 100), and why."""

    label: str | None
    how: How | None
    similarity: float
    reason: str


class LabelMatcher:
    """Match text to a closed list of labels. Deterministic, picklable, safe to share between threads.

    The stages, the first that decides wins: the same words (whatever case, accents, hyphens, underscores,
    punctuation and word breaks); the same words without articles and plurals, then in any order; nearly the
    same spelling; a label or alias mentioned in a sentence. A text that names two labels is wrong, not
    half right; a label that is negated isn't named; a mention must stand alone ('a rose', not 'christmas rose',
    which is another flower). Only words of four letters or more may be misspelt: digits, roman numerals and
    short codes ('RL', 'A320', '146-200') have to be the same. Where a short word is the whole name, only the usual
    slips are believed: 'rosse' is a rose, 'prose' is not.

    ``cutoff`` is the least similarity of any word of a near spelling, 0 to 100, and ``margin`` how much better than the
    second best label it must be. ``aliases`` maps a label to further names of it. ``mentions=False``
    switches off the last stage.

    Raises ValueError for an empty list, a label that is blank or equal to another one after
    normalisation, an alias of an unknown label, and an alias that is another label's name.

    >>> matcher = LabelMatcher(["rose", "desert rose"], aliases={"rose": ["Rosa"]})
    >>> matcher.match("A Desert-Rose.").label, matcher.match("not a rose").label
    ('desert rose', None)
    """

    def __init__(
        self,
        labels: Iterable[str],
        aliases: Mapping[str, Sequence[str]] | None = None,
        cutoff: float = 80.0,
        margin: float = 5.0,
        mentions: bool = True,
    ) -> None:
        self.labels = _checked_labels(labels)
        for field, value in (("cutoff", cutoff), ("margin", margin)):
            if not isinstance(value, (int, float)) or not 0 <= value <= 100:
                raise ValueError(f"{field}: expected a number in [0, 100], got {value!r}")
        if aliases is not None and not isinstance(aliases, Mapping):
            raise ValueError(f"aliases: expected a mapping of labels to lists of names, got {aliases!r}")
        self.cutoff, self.margin, self.mentions = float(cutoff), float(margin), mentions
        self._names: dict[Words, str] = {}
        self._alias_names: set[Words] = set()
        for label in self.labels:
            other = self._names.setdefault(tokens(label), label)
            if other != label:
                raise ValueError(f"labels: {label!r} and {other!r} are the same name")
        for label, names in (aliases or {}).items():
            self._add_aliases(label, names)
        self._joined = _index(self._names, lambda words: [("".join(words),)])
        self._loose = _index(self._names, lambda words: [spelling(words)])
        self._sorted = _index(self._names, lambda words: [tuple(sorted(spelling(words)))])
        self._turned = _index(self._names, lambda words: [("".join(order),) for order in _orders(words)[1:]])
        self._phrases = _index(self._names, lambda words: _orders(spelling(words)))
        # Mentions are looked up by the first word, so a long text costs its length, not the list's.
        self._by_first: dict[str, list[Words]] = {}
        for words in self._phrases:
            self._by_first.setdefault(words[0], []).append(words)

    def _add_aliases(self, label: str, names: Sequence[str]) -> None:
        if label not in self.labels:
            raise ValueError(f"aliases: {label!r} isn't one of the labels")
        if isinstance(names, str) or not isinstance(names, Iterable):
            raise ValueError(f"aliases[{label!r}]: expected a list of names, got {names!r}")  # noqa: TRY004
        for name in names:
            words = tokens(name) if isinstance(name, str) else ()
            if not words:
                raise ValueError(f"aliases[{label!r}]: expected names with letters or digits, got {name!r}")
            if self._names.setdefault(words, label) != label:
                raise ValueError(f"aliases[{label!r}]: {name!r} is also a name of {self._names[words]!r}")
            self._alias_names.add(words)

    def named(self, name: str) -> str | None:
        """Return the label that has exactly this name or alias (case and punctuation aside), or None."""
        return self._names.get(tokens(name))

    def match(self, text: str) -> LabelMatch:
        """Return the label that a text names. Total: any text, only its first 200 words count."""
        text = text[: MAX_WORDS * 40]
        words = tokens(text)[:MAX_WORDS]
        if not words:
            return LabelMatch(None, None, 0.0, "the answer is empty")
        if words in self._names:
            how: How = "alias" if words in self._alias_names else "exact"
            return LabelMatch(self._names[words], how, 100.0, f"{how}: {self._names[words]}")
        loose = spelling(words)
        for found, how in (
            (self._joined.get(("".join(words),)), "exact"),
            (self._loose.get(loose), "exact"),
            (self._sorted.get(tuple(sorted(loose))), "reordered"),
            (self._turned.get(("".join(words),)), "reordered"),
        ):
            if found is not None and len(found) == 1:
                return LabelMatch(found[0], how, 100.0, f"same words: {found[0]}")
            if found is not None:
                return LabelMatch(None, None, 0.0, "ambiguous: " + ", ".join(found))
        # Near spellings of the whole come first: 'lentten rose' is no mention of a rose.
        near = self._near(loose)
        if near.label is not None or not self.mentions:
            return near
        return self._mention(clauses(text, MAX_WORDS)) or near

    def _mention(self, text: Clauses) -> LabelMatch | None:
        words = text.words
        spans: list[tuple[int, int, Words]] = []
        for start, word in enumerate(words):
            for name in self._by_first.get(word, ()):
                if words[start : start + len(name)] == name:
                    spans.append((start, start + len(name), name))
        named: list[str] = []
        negated: list[str] = []
        for start, end, name in _outermost(spans):
            if not _stands_alone(text, start, end):
                continue
            labels = self._phrases[name]
            if len(labels) > 1:
                return LabelMatch(None, None, 0.0, "ambiguous: " + ", ".join(labels))
            (negated if _negates(_before(words, start)) or _denied(text, end) else named).append(labels[0])
        several = sorted(set(named))
        if len(several) > 1:
            return LabelMatch(None, None, 0.0, "ambiguous, several labels: " + ", ".join(several[:5]))
        if several and several[0] in negated:
            return LabelMatch(None, None, 0.0, f"both named and negated: {several[0]}")
        if several:
            return LabelMatch(several[0], "mention", 100.0, f"mentioned: {several[0]}")
        if negated:
            return LabelMatch(None, None, 0.0, "negated: " + ", ".join(sorted(set(negated))[:5]))
        return None

    def _near(self, words: Words) -> LabelMatch:
        if any(word in NEGATIONS for word in words):
            return LabelMatch(None, None, 0.0, "no label is named")
        best: dict[str, float] = {}
        for name, labels in self._sorted.items():
            likeness = _likeness(words, name)
            for label in labels:
                best[label] = max(likeness, best.get(label, 0.0))
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:2]
        label, likeness = ranked[0]
        if likeness < self.cutoff:
            return LabelMatch(None, None, likeness, "no label is named")
        if len(ranked) > 1 and likeness - ranked[1][1] < self.margin:
            return LabelMatch(None, None, likeness, f"ambiguous: nearly {label} or {ranked[1][0]}")
        return LabelMatch(label, "fuzzy", likeness, f"nearly {label} ({likeness:.0f} of 100)")


def _likeness(words: Words, name: Words) -> float:
    """Return how alike two names are, 0 to 100: as much as the least alike of their words.

    Words count in any order. Codes have to be there on both sides, and no word may be added or left out.
    """
    if len(words) != len(name):
        return 0.0
    left, right = Counter(words), Counter(name)
    ours, theirs = sorted((left - right).elements()), sorted((right - left).elements())
    pairs = list(zip(ours, theirs, strict=True))
    if any(is_code(a) or is_code(b) or abs(len(a) - len(b)) > _LENGTHS_APART for a, b in pairs):
        return 0.0
    if len(ours) == len(words) and not all(believable(a, b) for a, b in pairs):
        return 0.0  # not one word is the same, so a short word has nothing beside it to vouch for it
    from rapidfuzz.distance import Indel

    return min((100.0 * Indel.normalized_similarity(a, b) for a, b in pairs), default=100.0)


def _outermost(spans: list[tuple[int, int, Words]]) -> list[tuple[int, int, Words]]:
    """Return spans in reading order without those inside a longer one: 'rose' in 'desert rose'."""
    kept: list[tuple[int, int, Words]] = []
    for span in sorted(spans, key=lambda item: (item[0], -item[1])):
        if not kept or span[1] > kept[-1][1]:
            kept.append(span)
    return kept


def _stands_alone(text: Clauses, start: int, end: int) -> bool:
    """Whether words are a name of their own: 'a rose', not 'christmas rose', 'rose of sharon', 'DC-8-100'."""
    opened = start in text.opens or text.words[start - 1] in BEFORE
    closed = end - 1 in text.closes or text.words[end] in AFTER
    return opened and closed


def _before(words: Words, start: int) -> Words:
    """Return the words before a label from which a negation reaches it."""
    at, counted = start, 0
    while at > max(0, start - _LIGHT_REACH) and counted < _NEGATION_REACH:
        at -= 1
        counted += words[at] not in LIGHT
    return words[at:start]


def _negates(before: Words) -> bool:
    """Whether the words before a label negate it; what was negated before a 'but' no longer is."""
    kept = list(before)
    for index, pair in enumerate(pairwise(before)):
        if pair in NEGATION_PAIRS:
            return True
        if pair in NO_DOUBT:
            kept[index] = kept[index + 1] = ""
    turns = [index for index, word in enumerate(kept) if word in TURNS]
    return any(word in NEGATIONS for word in kept[turns[-1] + 1 if turns else 0 :])


def _denied(text: Clauses, end: int) -> bool:
    """Whether what follows a label takes it back: 'a rose is not what I see', 'A rose? No.'."""
    after = text.words[end : end + 2]
    if after[:1] == ("no",):
        return end in text.opens and end in text.closes
    return after[:1] in (("isnt",), ("wasnt",)) or (len(after) == 2 and after[0] in VERBS and after[1] in DENIALS)


def _orders(words: Words) -> list[Words]:
    """Return the words in the orders in which people write them: a year stands before or after the rest."""
    if len(words) > 1 and _is_year(words[0]):
        return [words, (*words[1:], words[0])]
    if len(words) > 1 and _is_year(words[-1]):
        return [words, (words[-1], *words[:-1])]
    return [words]


def _is_year(word: str) -> bool:
    return len(word) == 4 and word[:2] in ("19", "20") and word.isdigit()


def _checked_labels(labels: Iterable[str]) -> tuple[str, ...]:
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise ValueError(f"labels: expected a list of labels, got {labels!r:.80}")  # noqa: TRY004
    listed = tuple(labels)
    if not listed:
        raise ValueError("labels: the list is empty")
    for index, label in enumerate(listed):
        if not isinstance(label, str) or not tokens(label):
            raise ValueError(f"labels[{index}]: expected a name with letters or digits, got {label!r}")
    return tuple(dict.fromkeys(listed))


def _index(names: Mapping[Words, str], keys: Callable[[Words], list[Words]]) -> dict[Words, list[str]]:
    index: dict[Words, list[str]] = {}
    for words, label in names.items():
        for key in keys(words):
            entry = index.setdefault(key, [])
            if label not in entry:
                entry.append(label)
    return index
