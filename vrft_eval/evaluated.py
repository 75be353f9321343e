"""From samples and their answers to the report: judge, measure, count, say what a reader has to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vrft_eval.backends.protocol import Answer
from vrft_eval.baselines.paper import beside_paper
from vrft_eval.failures import failure_notes
from vrft_eval.gate.stage import GateStage
from vrft_eval.gate.summary import gate_notes
from vrft_eval.metrics.bootstrap import bootstrap
from vrft_eval.metrics.correlation import correlate
from vrft_eval.samples import Sample
from vrft_eval.schemas import Correlation, Interval, Report, RunInfo
from vrft_eval.tasks import Measures, Reading, TaskData, Verdicts
from vrft_eval.tasks.base import template_of


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A finished evaluation: the report and everything it was made from."""

    report: Report
    judged: Verdicts
    measures: Measures
    info: RunInfo


def evaluate(
    data: TaskData,
    samples: Sequence[Sample],
    answers: dict[str, Answer],
    reading: Reading,
    info: RunInfo,
    gate: GateStage | None = None,
) -> Evaluated:
    """Judge every sample and compute the report."""
    judged = data.judge_all(samples, [answers.get(sample.id) for sample in samples], reading)
    measures = data.measure(judged, reading)
    counts = {**_counts(judged), **measures.counts, **data.data_counts()}
    summary = None if gate is None else gate.summary(samples)
    gated = [] if gate is None or summary is None else gate_notes(gate.name, summary)
    if gate is not None and gate.model is not None:
        gated += failure_notes(gate.model.answers.values(), "gate questions failed")
    failures = failure_notes(judged.answers, "samples failed and count as empty answers")
    notes = [*gated, *_notes(data, counts, info), *failures, *data.data_notes(), *measures.notes]
    measures = replace(measures, counts=counts, notes=notes)
    report = _report(data, judged, measures, reading, info)
    report = report.model_copy(update={"gate_summary": summary})
    if reading.against is not None:
        own_prompt = info.settings.prompt != template_of(data.spec)
        split = data.spec.split_of(data.options)
        published = None if split is None else data.spec.published.get(split)
        found = beside_paper(report, split=split, published=published, own_prompt=own_prompt)
        report = report.model_copy(update={"against": found})
    return Evaluated(report, judged, measures, info)


def _counts(judged: Verdicts) -> dict[str, int]:
    asked, outcomes = len(judged), judged.outcomes
    failed, unanswered = outcomes.count("failed"), outcomes.count("unanswered")
    said = [answer is not None and bool(answer.completion) for answer in judged.answers]
    unreadable = [status in ("unparsable", "missing") for status in judged.statuses]
    return {
        "samples": asked,
        "answered": asked - failed - unanswered,
        "unanswered": unanswered,
        "failed": failed,
        "cut_off": sum(answer is not None and answer.finish == "length" for answer in judged.answers),
        "format_broken": sum(some and not right for some, right in zip(said, judged.well_formed, strict=True)),
        "unreadable": sum(some and bad for some, bad in zip(said, unreadable, strict=True)),
        "right": outcomes.count("right"),
    }


def _notes(data: TaskData, counts: dict[str, int], info: RunInfo) -> list[str]:
    notes = []
    if counts["unanswered"]:
        notes.append(f"{counts['unanswered']} samples have no answer; they are scored as empty ones.")
    if counts["cut_off"]:
        notes.append(f"{counts['cut_off']} answers were cut off at the token limit.")
    if info.settings.limit is not None and not data.spec.generated:
        notes.append(f"{info.settings.limit} images were drawn with seed {info.settings.seed}.")
    return notes


def _report(data: TaskData, judged: Verdicts, measures: Measures, reading: Reading, info: RunInfo) -> Report:
    count = len(judged)
    parts = {key: sum(values) / count if count else None for key, values in judged.parts.items()}
    return Report.model_validate(
        {
            "task": data.spec.name,
            "kind": data.spec.kind,
            "model": info.source.model,
            "backend": info.settings.backend,
            "created": info.created,
            "headline": data.headline,
            "metrics": measures.metrics,
            "intervals": _intervals(measures, reading),
            "per_category": measures.per_category,
            "rewards": {
                "profile": reading.profile,
                "mean": sum(judged.rewards) / count if count else None,
                "bounds": data.reward_bounds(reading),
                "parts": parts,
            },
            "correlation": _correlation(judged, measures, reading),
            "diagnostics": measures.diagnostics,
            "confusion": measures.confusion,
            "engine": measures.engine,
            "counts": measures.counts,
            "notes": measures.notes,
            "gate": info.settings.gate,
            "space": reading.space,
            "sam": None if reading.sam is None else reading.sam.name,
            "seed": info.settings.seed,
            "limit": info.settings.limit,
        }
    )


def _intervals(measures: Measures, reading: Reading) -> dict[str, Interval]:
    if measures.records is None:
        return {}
    found = bootstrap(measures.records, reading.resamples, reading.seed)
    return {name: interval for name, interval in found.items() if measures.metrics.get(name) is not None}


def _correlation(judged: Verdicts, measures: Measures, reading: Reading) -> Correlation | None:
    if measures.quality is None:
        return None
    images = [sample.image_id for sample in judged.samples]
    return correlate(images, judged.rewards, measures.quality, reading.resamples, reading.seed)
