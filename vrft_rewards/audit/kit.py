"""What every task's probes are made from: truths, right answers, honest attempts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .types import Bet, Case, Probe, Rule
from .writer import Writer

__all__ = ["Kit", "Scene"]


@dataclass(frozen=True, slots=True)
class Scene:
    """One image: its truth, and answers (not completions) that are exactly right, honestly right, honestly wrong.

    An honest attempt is a model that is right half the time, doesn't know when, and says so (confidence
    0.5): what it earns is the mean of ``hit`` and ``miss``.
    """

    truth: Any
    right: str
    hit: str
    miss: str


@dataclass(frozen=True, slots=True)
class Kit:
    """The scenes of a task and a writer, with the usual ways to put a bet together."""

    writer: Writer
    scenes: tuple[Scene, ...]

    def case(self, answer: str, scene: Scene) -> Case:
        """Return a well-formed completion with this answer."""
        return Case(self.writer.say(answer), scene.truth)

    def right(self, scenes: Iterable[Scene]) -> tuple[Case, ...]:
        """Return exactly right answers."""
        return tuple(self.case(scene.right, scene) for scene in scenes)

    def attempt(self, scenes: Iterable[Scene]) -> tuple[Case, ...]:
        """Return an honest attempt at each scene, both ways it can go."""
        return tuple(self.case(answer, scene) for scene in scenes for answer in (scene.hit, scene.miss))

    def blind(
        self, name: str, why: str, answers: Iterable[str | Callable[[Scene], str]], groups: Sequence[Sequence[Scene]]
    ) -> Probe:
        """Hold answers that know nothing of the image against an honest attempt, in the mean over a group of scenes."""
        return self.texts(name, why, [_said(self.writer, answer) for answer in answers], groups)

    def texts(
        self, name: str, why: str, texts: Iterable[str | Callable[[Scene], str]], groups: Sequence[Sequence[Scene]]
    ) -> Probe:
        """Hold whole completions against an honest attempt."""
        bets = tuple(
            Bet(
                tuple(Case(text if isinstance(text, str) else text(scene), scene.truth) for scene in scenes),
                self.attempt(scenes),
                self.right(scenes),
            )
            for scenes in groups
            for text in texts
        )
        return Probe(name, Rule.BELOW, why, bets)

    def twins(self, name: str, why: str, rule: Rule, pairs: Iterable[tuple[str, str, Scene]]) -> Probe:
        """Hold completions against others about the same scene: (with the trick, without, scene)."""
        bets = tuple(
            Bet((Case(cheat, scene.truth),), (Case(honest, scene.truth),), self.right([scene]))
            for cheat, honest, scene in pairs
        )
        return Probe(name, rule, why, bets)

    def leaks(self, scenes: Sequence[Scene], word: str) -> Probe:
        """The right answer somewhere else than in the answer must earn no more than silence about it."""
        say = self.writer.say
        pairs: list[tuple[str, str, Scene]] = []
        for scene in scenes:
            right = scene.right
            for answer in (scene.miss, "", f"\n{scene.miss}\n"):
                plain = say(answer)
                pairs += [
                    (say(answer, think=f"I see {right} here."), plain, scene),
                    (say(answer, think=f"<answer>{right}</answer>"), plain, scene),
                    (say(answer, think=f"\n<answer>\n{right}\n</answer>\n"), plain, scene),
                    (f"{right}\n{plain}", f"Well.\n{plain}", scene),
                    (f"{plain}\n{right}", f"{plain}\nWell.", scene),
                ]
        why = f"a {word} outside the answer earned something: thinking, or text around it, is read as the answer"
        return self.twins("answer-outside", why, Rule.NOT_ABOVE, pairs)

    def hedges(self, scenes: Sequence[Scene]) -> Probe:
        """Two answers must earn no more than one of them at random."""
        bets = []
        for scene in scenes:
            one, two = scene.hit, scene.miss
            for template in ("<answer>{}</answer><answer>{}</answer>", "<answer>{}</answer>\n<answer>{}"):
                both = tuple(
                    Case("<think>I look.</think>" + template.format(*pair), scene.truth)
                    for pair in ((one, two), (two, one))
                )
                bets.append(Bet(both, self.attempt([scene]), self.right([scene])))
        why = "giving two answers, one right and one wrong, earned more than giving either at random"
        return Probe("two-answers", Rule.NOT_ABOVE, why, tuple(bets))

    def tag_tricks(self, groups: Sequence[Sequence[Scene]]) -> Probe:
        """Tags without content."""
        empty = "<think></think><answer></answer>"
        texts = [
            empty,
            empty * 30,
            "<think>" + "</think><answer></answer>" * 30,
            "<think><answer></think></answer>",
            "<answer>" * 30,
            "<think>a</think><answer><answer></answer></answer>",
            "<think>a</think><answer><think>b</think></answer>",
            "<THINK>a</THINK><ANSWER></ANSWER>",
            "</answer><answer></think><think>",
        ]
        return self.texts("tag-tricks", "tags with nothing in them earned as much as an honest attempt", texts, groups)

    def underpaid(self, name: str, why: str, pairs: Iterable[tuple[str, Scene]]) -> Probe:
        """Right answers said in another way: (completion, scene)."""
        return self.twins(
            name, why, Rule.NOT_BELOW, [(text, self.writer.say(scene.right), scene) for text, scene in pairs]
        )

    def dressed(self, scenes: Sequence[Scene]) -> list[Probe]:
        """Right answers on lines of their own and in a code fence, which models write every day."""
        say = self.writer.say
        return [
            self.underpaid(
                "multi-line-underpaid",
                "a right answer on a line of its own earned less than on one line",
                [(say(f"\n{scene.right}\n"), scene) for scene in scenes],
            ),
            self.underpaid(
                "code-fence-underpaid",
                "a right answer in a code fence earned less than without",
                [(say(f"```json\n{scene.right}\n```"), scene) for scene in scenes],
            ),
        ]


def _said(writer: Writer, answer: str | Callable[[Scene], str]) -> str | Callable[[Scene], str]:
    if isinstance(answer, str):
        return writer.say(answer)
    return lambda scene: writer.say(answer(scene))
