"""The classification reward: accuracy and format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..answers.label import parse_label
from ..completions import completion_text
from ..coordinates import ImageSize
from ..labels import LabelMatcher
from ..labels.normalise import tokens
from ..profiles import ClassificationProfile, Profile, resolve
from ..response import read_answer
from .base import Measured, PartsReward
from .format import format_reward

__all__ = ["ClassificationReward"]


class ClassificationReward(PartsReward):
    """Reward a label: parts ``accuracy`` (0 or 1) and ``format``.

    With ``labels`` the answer is matched to that closed list (see `LabelMatcher`) and the truth must be
    one of them or one of their ``aliases``. Without, the whole answer has to be the truth's name. Raises ValueError for
    bad labels, and as `DetectionReward`.

    >>> reward = ClassificationReward(labels=["rose", "desert rose"])
    >>> reward.score("<think>Petals.</think><answer>Desert-rose</answer>", "desert rose").parts["accuracy"]
    1.0
    """

    def __init__(
        self,
        labels: Iterable[str] | None = None,
        aliases: Mapping[str, Sequence[str]] | None = None,
        profile: str | Profile | ClassificationProfile = "default",
        **overrides: object,
    ) -> None:
        self.profile = resolve(profile, ClassificationProfile, overrides)
        p = self.profile
        if labels is None and aliases:
            raise ValueError("aliases: need labels, got labels=None")
        self.matcher = None if labels is None else LabelMatcher(labels, aliases, p.cutoff, p.margin)
        self.declare(("accuracy", p.accuracy_weight, 0.0, 1.0), ("format", p.format_weight, 0.0, 1.0))

    def measure(self, completion: object, truth: str, image_size: ImageSize | None = None) -> Measured:  # noqa: ARG002
        """Measure a completion against the true label; ``image_size`` is accepted and not used.

        Raises ValueError for a truth that isn't a label, never for a bad completion.
        """
        p = self.profile
        expected = self._truth(truth)
        text = completion_text(completion)
        answer, issues = read_answer(text, p.answer)
        label = parse_label(answer)
        paid, format_reason = format_reward(text, issues, p.format_rule, bool(label.text) or not p.format_needs_answer)
        right, reason = self._judge(label.text, expected)
        return (1.0 if right else 0.0, paid), f"{reason}; {format_reason}"

    def _truth(self, truth: object) -> str:
        if not isinstance(truth, str) or not tokens(truth):
            raise ValueError(f"truth: expected a label with letters or digits, got {truth!r}")
        if self.matcher is None:
            return truth
        expected = self.matcher.named(truth)
        if expected is None:
            raise ValueError(f"truth: {truth!r} isn't one of the {len(self.matcher.labels)} labels")
        return expected

    def _judge(self, text: str, expected: str) -> tuple[bool, str]:
        if not text:
            return False, "there is no answer"
        shown = text if len(text) <= 40 else text[:37] + "..."
        if self.profile.label_rule == "containment":
            answer, truth = (_squeezed(value) for value in (text, expected))
            right = bool(answer) and (answer in truth or truth in answer)
            return right, f"{shown!r} {'and' if right else 'and not'} {expected!r} hold one another"
        if self.profile.label_rule == "equal":
            right = tokens(text) == tokens(expected)
            return right, f"{shown!r} is {'' if right else 'not '}{expected!r}"
        if self.matcher is None:
            match = LabelMatcher([expected], None, self.profile.cutoff, self.profile.margin, mentions=False).match(text)
        else:
            match = self.matcher.match(text)
        if match.label == expected:
            return True, match.reason
        if match.label is None:
            return False, f"{shown!r} isn't {expected!r}: {match.reason}"
        return False, f"answered {match.label!r}, it is {expected!r}"


def _squeezed(text: str) -> str:
    return text.replace(" ", "").replace("_", "").lower()
