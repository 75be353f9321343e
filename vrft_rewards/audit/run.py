"""An audit from start to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..nearest import did_you_mean
from ..profiles import PROFILES
from .ask import Asker
from .behaviour import SIZES, broken, hostile_cases, repeatable, timings
from .boxes import detection_probes
from .calibrate import calibrate
from .grounding import grounding_probes
from .kit import Kit
from .known import KNOWN
from .labels import LABELS, classification_probes
from .types import TASKS, AuditError, Bet, Case, Finding, Probe, Reply, Report, Rule, Severity, Task

__all__ = ["audit"]

_TINY = 1e-9
_BEHAVIOUR = (
    *("raises", "not-finite", "no-number", "hangs", "dies", "out-of-bounds", "changes-truth"),
    *("slow-text", "not-deterministic", "not-thread-safe", "not-picklable"),
)
_ORDER = ("high", "medium", "low")


def audit(
    target: str,
    task: Task,
    *,
    labels: Sequence[str] = LABELS,
    bounds: tuple[float, float] | None = None,
    time_limit: float = 10.0,
    sizes: Sequence[int] = SIZES,
) -> Report:
    """Try to cheat a reward: a profile's name, or ``module:name`` (also ``file.py:name``) of a function.

    The target runs in a process of its own; an answer that takes longer than ``time_limit`` seconds is a
    finding. ``bounds`` are the lowest and highest value it may return (a reward's own ``bounds`` unless given).
    ``labels`` are the classes of classification. ``sizes`` are the sizes of the texts that are timed.

    Raises AuditError (a ValueError) when the target can't be loaded or doesn't tell right from wrong.
    """
    if target not in PROFILES and ":" not in target:
        near = did_you_mean(target, PROFILES)
        raise AuditError(f"{target}: neither a profile ({', '.join(PROFILES)}) nor module:function{near}")
    if task not in TASKS:
        raise AuditError(f"task: expected one of {', '.join(TASKS)}, got {task!r}")
    if not labels:
        raise AuditError("labels: the list is empty")
    with Asker(target, task, labels, time_limit) as asker:
        kit = calibrate(asker, task, labels)
        probes = _probes(task, kit, labels)
        asked: list[tuple[Case, Reply]] = []
        findings = [finding for probe in probes if (finding := _judge(asker, probe, asked)) is not None]
        hostile = hostile_cases(kit)
        asked += zip(hostile, asker.scores(hostile), strict=True)
        findings += broken(asked, bounds or asker.bounds)
        table, slow = timings(asker, kit.scenes[0].truth, sizes)
        findings += slow
        few = [*kit.attempt(kit.scenes[:2]), *kit.right(kit.scenes), Case("", kit.scenes[0].truth)]
        with Asker(target, task, labels, time_limit, seed="1") as fresh:
            fresh.form = asker.form
            findings += repeatable(asker, fresh, few)
        known = KNOWN.get((target, task), {})
        findings = [replace(finding, known=known.get(finding.name)) for finding in findings]
        findings.sort(key=lambda finding: (finding.known is not None, _ORDER.index(finding.severity)))
        names = tuple(dict.fromkeys([*(probe.name for probe in probes), *_BEHAVIOUR]))
        form = f"{asker.call} call, {asker.form}, {kit.writer}"
        return Report(target, task, form, tuple(findings), names, asker.answers, tuple(table), asker.skipped)


def _probes(task: Task, kit: Kit, labels: Sequence[str]) -> list[Probe]:
    if task == "classification":
        probes = classification_probes(kit, labels)
    else:
        probes = detection_probes(kit) if task == "detection" else grounding_probes(kit)
    if kit.writer.tags:
        return [probe for probe in probes if probe.bets]
    # A function that reads no tags takes the whole text as the answer, so these would be answers.
    return [probe for probe in probes if probe.bets and probe.name not in ("answer-outside", "two-answers")]


def _judge(asker: Asker, probe: Probe, asked: list[tuple[Case, Reply]]) -> Finding | None:
    """Return a finding with the variant that paid most beyond its honest twin, or None when none paid."""
    worst: tuple[float, Bet, float, float] | None = None
    variants = 0
    for bet in probe.bets:
        earned, honest = _mean(asker, bet.cheat, asked), _mean(asker, bet.honest, asked)
        if earned is None or honest is None or not _pays(probe.rule, earned, honest):
            continue
        variants += 1
        if worst is None or abs(earned - honest) > worst[0]:
            worst = (abs(earned - honest), bet, earned, honest)
    if worst is None:
        return None
    _, bet, earned, honest = worst
    right = _mean(asker, bet.right, asked)
    case = bet.cheat[0]
    severity = _severity(probe.rule, earned, right)
    return Finding(probe.name, severity, case.completion, case.truth, honest, earned, probe.why, variants)


def _mean(asker: Asker, cases: Sequence[Case], asked: list[tuple[Case, Reply]]) -> float | None:
    replies = asker.scores(cases)
    asked += zip(cases, replies, strict=True)
    values = [reply.value for reply in replies if reply.value is not None]
    return sum(values) / len(values) if values and len(values) == len(replies) else None


def _pays(rule: Rule, earned: float, honest: float) -> bool:
    if rule is Rule.BELOW:
        return earned >= honest - _TINY
    if rule is Rule.NOT_ABOVE:
        return earned > honest + _TINY
    if rule is Rule.NOT_BELOW:
        return earned < honest - _TINY
    return abs(earned - honest) > _TINY


def _severity(rule: Rule, earned: float, right: float | None) -> Severity:
    if rule is Rule.SAME:
        return "low"
    if rule is Rule.NOT_BELOW or right is None:
        return "medium"
    return "high" if earned >= right - _TINY else "medium"
