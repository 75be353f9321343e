"""Which of a closed list of labels a text names: exactly, by an alias, by mention, or nearly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .normalise import is_code, spelling, tokens

__all__ = ["LabelMatch", "LabelMatcher"]

How = Literal["exact", "alias", "reordered", "mention", "fuzzy"]
Words = tuple[str, ...]

MAX_WORDS = 200
"""Words of a text that are read; a label that comes later isn't an answer."""

_NEGATIONS = frozenset(
    {"not", "no", "never", "neither", "nor", "without", "isnt", "arent", "wasnt", "cannot", "cant", "dont", "doesnt"}
    | {"unlike", "than", "versus", "vs", "excluding", "except", "instead"}
)
_TURNS = frozenset({"but", "however"})
_NEGATION_REACH = 3
"""A negation rules out a label that begins at most this many words after it."""


@dataclass(frozen=True, slots=True)
class LabelMatch:
    """The label a text names, or None, how it was found, how alike (0 to 100), and why."""

    label: str | None
    how: How | None
    similarity: float
    reason: str


class LabelMatcher:
    """Match text to a closed list of labels. Deterministic, picklable, safe to share between threads.

    The stages, the first that decides wins: the same words (whatever case, accents, hyphens, underscores
    and punctuation); the same words without articles and plurals, then in any order; a label or alias
    mentioned inside a longer text; nearly the same spelling. A text that names two labels is wrong, not
    half right; a label that is negated isn't named; one mention inside a longer one ('rose' in
    'desert rose') doesn't count. Only words of four letters or more may be misspelt: digits, roman numerals and
    short codes ('RL', 'A320', '146-200') have to be the same.

    ``cutoff`` is the least similarity of a near spelling, 0 to 100, and ``margin`` how much better than the
    second best label it must be. ``aliases`` maps a label to further names of it. ``mentions=False``
    switches off the third stage.

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
        cutoff: float = 88.0,
        margin: float = 4.0,
        mentions: bool = True,
    ) -> None:
        self.labels = _checked_labels(labels)
        if not 0 <= cutoff <= 100:
            raise ValueError(f"cutoff: expected a number in [0, 100], got {cutoff!r}")
        if not 0 <= margin <= 100:
            raise ValueError(f"margin: expected a number in [0, 100], got {margin!r}")
        self.cutoff, self.margin, self.mentions = float(cutoff), float(margin), mentions
        self._names: dict[Words, str] = {}
        self._alias_names: set[Words] = set()
        for label in self.labels:
            other = self._names.setdefault(tokens(label), label)
            if other != label:
                raise ValueError(f"labels: {label!r} and {other!r} are the same name")
        for label, names in (aliases or {}).items():
            self._add_aliases(label, names)
        self._loose = _index(self._names, lambda words: spelling(words))
        self._sorted = _index(self._names, lambda words: tuple(sorted(spelling(words))))
        # Mentions are looked up by the first word, so a long text costs its length, not the list's.
        self._by_first: dict[str, list[Words]] = {}
        for words in self._loose:
            self._by_first.setdefault(words[0], []).append(words)

    def _add_aliases(self, label: str, names: Sequence[str]) -> None:
        if label not in self.labels:
            raise ValueError(f"aliases: {label!r} isn't one of the labels")
        if isinstance(names, str):
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
        words = tokens(text[: MAX_WORDS * 40])[:MAX_WORDS]
        if not words:
            return LabelMatch(None, None, 0.0, "the answer is empty")
        if words in self._names:
            how: How = "alias" if words in self._alias_names else "exact"
            return LabelMatch(self._names[words], how, 100.0, f"{how}: {self._names[words]}")
        loose = spelling(words)
        for index, key in ((self._loose, loose), (self._sorted, tuple(sorted(loose)))):
            found = index.get(key)
            if found is not None and len(found) == 1:
                return LabelMatch(
                    found[0], "reordered" if index is self._sorted else "exact", 100.0, f"same words: {found[0]}"
                )
            if found is not None:
                return LabelMatch(None, None, 0.0, "ambiguous: " + ", ".join(found))
        if self.mentions:
            mentioned = self._mention(loose)
            if mentioned is not None:
                return mentioned
        return self._near(loose)

    def _mention(self, words: Words) -> LabelMatch | None:
        spans: list[tuple[int, int, Words]] = []
        for start, word in enumerate(words):
            for name in self._by_first.get(word, ()):
                if words[start : start + len(name)] == name:
                    spans.append((start, start + len(name), name))
        # 'rose' inside 'desert rose' names only the desert rose.
        outer = [
            span
            for span in spans
            if not any(o[0] <= span[0] and span[1] <= o[1] and o[1] - o[0] > span[1] - span[0] for o in spans)
        ]
        named: list[str] = []
        negated: list[str] = []
        for start, end, name in outer:
            label = self._loose[name]
            if len(label) > 1:
                return LabelMatch(None, None, 0.0, "ambiguous: " + ", ".join(label))
            before = _since_turn(words[max(0, start - _NEGATION_REACH) : start])
            if any(word.isdigit() for word in (*words[max(0, start - 1) : start], *words[end : end + 1])):
                continue  # '747-100' isn't named by '747-100-200', nor 'DC-8' by 'DC-8-100'
            (negated if any(word in _NEGATIONS for word in before) else named).append(label[0])
        labels = sorted(set(named))
        if len(labels) == 1:
            if labels[0] in negated:
                return LabelMatch(None, None, 0.0, f"both named and negated: {labels[0]}")
            return LabelMatch(labels[0], "mention", 100.0, f"mentioned: {labels[0]}")
        if labels:
            return LabelMatch(None, None, 0.0, "ambiguous, several labels: " + ", ".join(labels[:5]))
        if negated:
            return LabelMatch(None, None, 0.0, "negated: " + ", ".join(sorted(set(negated))[:5]))
        return None

    def _near(self, words: Words) -> LabelMatch:
        from rapidfuzz.distance import Indel

        codes = sorted(word for word in words if is_code(word))
        text = " ".join(sorted(words))
        best: dict[str, float] = {}
        for name, labels in self._sorted.items():
            if abs(len(name) - len(words)) > 1 or sorted(word for word in name if is_code(word)) != codes:
                continue
            likeness = 100.0 * Indel.normalized_similarity(text, " ".join(name))
            for label in labels:
                best[label] = max(likeness, best.get(label, 0.0))
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:2]
        if not ranked or ranked[0][1] < self.cutoff:
            return LabelMatch(None, None, ranked[0][1] if ranked else 0.0, "no label is named")
        label, likeness = ranked[0]
        if len(ranked) > 1 and likeness - ranked[1][1] < self.margin:
            return LabelMatch(None, None, likeness, f"ambiguous: nearly {label} or {ranked[1][0]}")
        return LabelMatch(label, "fuzzy", likeness, f"nearly {label} ({likeness:.0f} of 100)")


def _since_turn(words: Words) -> Words:
    """Return the words after the last 'but': what was negated before it no longer is."""
    turns = [index for index, word in enumerate(words) if word in _TURNS]
    return words[turns[-1] + 1 :] if turns else words


def _checked_labels(labels: Iterable[str]) -> tuple[str, ...]:
    if isinstance(labels, str):
        raise ValueError(f"labels: expected a list of labels, got the text {labels[:80]!r}")  # noqa: TRY004
    listed = tuple(labels)
    if not listed:
        raise ValueError("labels: the list is empty")
    for index, label in enumerate(listed):
        if not isinstance(label, str) or not tokens(label):
            raise ValueError(f"labels[{index}]: expected a name with letters or digits, got {label!r}")
    return tuple(dict.fromkeys(listed))


def _index(names: Mapping[Words, str], key: object) -> dict[Words, list[str]]:
    assert callable(key)
    index: dict[Words, list[str]] = {}
    for words, label in names.items():
        entry = index.setdefault(key(words), [])
        if label not in entry:
            entry.append(label)
    return index
