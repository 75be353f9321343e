"""From a task, its data and who answers to a finished run folder: the one path of `run`, `score` and `report`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vrft_eval.backends.protocol import Answer, Backend, Prompt
from vrft_eval.errors import InputError
from vrft_eval.files import dump_json, write_atomic
from vrft_eval.metrics.bootstrap import bootstrap
from vrft_eval.metrics.correlation import correlate
from vrft_eval.provenance import git_revision, now, package_versions, python_version
from vrft_eval.report import write_reports
from vrft_eval.runs import RunFolder, journal_bytes
from vrft_eval.samples import Sample, fingerprint
from vrft_eval.schemas import Correlation, Gate, Interval, Report, RunInfo, Scoring, Settings, Source
from vrft_eval.tasks import Judged, Measures, Reading, TaskData
from vrft_eval.tasks.base import template_of
from vrft_rewards import PROFILES

_SYNC_EVERY = 16
Progress = Callable[[int, int, int], None]
"""Called with (answered, failed, all) after each answer."""


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A finished evaluation: the report and everything it was made from."""

    report: Report
    judged: Sequence[Judged]
    measures: Measures
    info: RunInfo


@dataclass(eq=False)
class Evaluation:
    """One task on one data set, planned; nothing is written until `start`."""

    data: TaskData
    samples: tuple[Sample, ...]
    folder: RunFolder
    settings: Settings
    reading: Reading
    source: Source
    new: bool = False
    info: RunInfo | None = None
    answers: dict[str, Answer] = field(default_factory=dict)

    def start(self) -> None:
        """Create or continue the run folder. Raises InputError when it holds another run."""
        self.info = self.folder.begin(self._info(), new=self.new)
        self.new = False

    def _info(self) -> RunInfo:
        return RunInfo(
            created=now(),
            settings=self.settings,
            scoring=Scoring(
                space=self.reading.space,
                profile=self.reading.profile,
                sam=None if self.reading.sam is None else str(self.reading.sam),
                engine=self.reading.engine,
                resamples=self.reading.resamples,
            ),
            source=self.source,
            packages=package_versions(),
            python=python_version(),
            revision=git_revision(),
        )

    def pending(self) -> list[Prompt]:
        """What is still to be asked; a prompt that failed is asked again."""
        return [
            Prompt(sample.id, sample.image, sample.prompt)
            for sample in self.samples
            if sample.id not in self.answers or self.answers[sample.id].completion is None
        ]

    def ask(self, backend: Backend, progress: Progress | None = None) -> None:
        """Ask what is pending; every answer is in the journal before the next one is waited for.

        Raises InputError when not one prompt could be answered, with the first reason.
        """
        prompts = self.pending()
        done, failed = len(self.samples) - len(prompts), 0
        with self.folder.journal() as journal:
            for count, answer in enumerate(backend.answer(prompts), start=1):
                journal.append(answer)
                self.answers[answer.id] = answer
                failed += answer.completion is None
                if count % _SYNC_EVERY == 0:
                    journal.sync()
                if progress is not None:
                    progress(done + count - failed, failed, len(self.samples))
        if prompts and failed == len(prompts) == len(self.samples):
            reason = next(answer.error for answer in self.answers.values() if answer.error)
            raise InputError(f"none of {failed} prompts could be answered; the first: {reason}")

    def finish(self) -> Evaluated:
        """Judge, measure and write predictions and reports. Raises ValueError before `start`."""
        if self.info is None:
            raise ValueError("the run has not been started")
        evaluated = evaluate(self.data, self.samples, self.answers, self.reading, self.info)
        self._write(evaluated)
        return evaluated

    def settle(self, answers: dict[str, Answer] | None = None) -> Evaluated:
        """Make a whole run of recorded answers, or of those that are there; nothing is written if anything fails."""
        if answers is not None:
            self.answers = answers
        info = self.folder.continued(self._info(), new=self.new)
        evaluated = evaluate(self.data, self.samples, self.answers, self.reading, info)
        self.start()
        if answers is not None:
            write_atomic(self.folder.journal_file, journal_bytes(answers.values()))
        self._write(evaluated)
        return evaluated

    def _write(self, evaluated: Evaluated) -> None:
        write_atomic(self.folder.path / "predictions.json", dump_json(evaluated.measures.predictions, indent=None))
        write_reports(
            self.folder.path, evaluated.report, evaluated.judged, evaluated.measures, self.info or evaluated.info
        )


def plan(
    data: TaskData,
    out: Path,
    source: Source,
    *,
    backend: str,
    model: str | None = None,
    responses: str | None = None,
    recorded: Sequence[str] = (),
    gate: Gate | None = None,
    template: str | None = None,
    seed: int = 0,
    limit: int | None = None,
    generation: dict[str, int | float | str | bool | None] | None = None,
    reading: Reading | None = None,
    new: bool = False,
) -> Evaluation:
    """Plan an evaluation of loaded data. Raises InputError; writes nothing."""
    folder, reading = RunFolder(out), replace(reading or Reading(), seed=seed)
    if reading.profile not in PROFILES:
        raise InputError(f"must be one of {', '.join(PROFILES)}", field="profile", value=reading.profile)
    data.check_reading(reading)
    if data.spec.kind == "detection":
        gate = gate or data.spec.gate or "truth"
    elif gate is not None:
        raise InputError(f"only detection tasks have a gate, {data.spec.name} has none", field="gate", value=gate)
    template = template_of(data.spec) if template is None else template
    samples = data.samples(template, gate, recorded)
    if not samples:
        raise InputError(f"there is nothing to ask: no (image, category) pair passes the gate {gate!r}")
    settings = Settings(
        task=data.spec.name,
        backend=backend,
        model=model,
        responses=responses,
        data=fingerprint(samples),
        prompt=template,
        gate=gate,
        seed=seed,
        limit=limit,
        generation=generation or {},
    )
    folder.check(settings, new=new)
    evaluation = Evaluation(data, samples, folder, settings, reading, source, new)
    if not new:
        wanted = {sample.id for sample in samples}
        evaluation.answers = {key: answer for key, answer in folder.answers().items() if key in wanted}
    return evaluation


def evaluate(
    data: TaskData, samples: Sequence[Sample], answers: dict[str, Answer], reading: Reading, info: RunInfo
) -> Evaluated:
    """Judge every sample and compute the report."""
    judged = [data.judge(sample, answers.get(sample.id), reading) for sample in samples]
    measures = data.measure(judged, reading)
    counts = {**_counts(judged), **measures.counts}
    measures = replace(measures, counts=counts, notes=[*_notes(data, counts, info), *measures.notes])
    return Evaluated(_report(data, judged, measures, reading, info), judged, measures, info)


def _counts(judged: Sequence[Judged]) -> dict[str, int]:
    asked = len(judged)
    failed = sum(item.outcome == "failed" for item in judged)
    unanswered = sum(item.outcome == "unanswered" for item in judged)
    return {
        "samples": asked,
        "answered": asked - failed - unanswered,
        "unanswered": unanswered,
        "failed": failed,
        "cut_off": sum(item.answer is not None and item.answer.finish == "length" for item in judged),
        "format_broken": sum(not item.response.well_formed for item in judged if item.text),
        "unreadable": sum(item.status in ("unparsable", "missing") for item in judged if item.text),
        "right": sum(item.outcome == "right" for item in judged),
    }


def _notes(data: TaskData, counts: dict[str, int], info: RunInfo) -> list[str]:
    notes = []
    if info.settings.gate is not None:
        notes.append(_GATES[info.settings.gate])
    if counts["unanswered"]:
        notes.append(f"{counts['unanswered']} samples have no answer; they are scored as empty ones.")
    if counts["failed"]:
        notes.append(f"{counts['failed']} samples failed (the reason is in responses.jsonl); scored as empty answers.")
    if counts["cut_off"]:
        notes.append(f"{counts['cut_off']} answers were cut off at the token limit.")
    if info.settings.limit is not None and not data.spec.generated:
        notes.append(f"{info.settings.limit} images were drawn with seed {info.settings.seed}.")
    return notes


_GATES = {
    "none": "Gate none: every category was asked of every image.",
    "truth": "Gate truth: only categories with ground truth in the image were asked, so no answer can invent an absent "
    "one; scores are higher than with gate none.",
    "negatives": "Gate negatives: categories in the image and those verified to be absent from it were asked.",
    "recorded": "Gate recorded: the (image, category) pairs asked are those of the recorded answers.",
}


def _report(data: TaskData, judged: Sequence[Judged], measures: Measures, reading: Reading, info: RunInfo) -> Report:
    count = len(judged)
    parts = {
        key: sum(item.score.parts[key] for item in judged) / count if count else None
        for key in (judged[0].score.parts if judged else ())
    }
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
                "mean": sum(item.score.value for item in judged) / count if count else None,
                "bounds": data.reward_bounds(reading),
                "parts": parts,
            },
            "correlation": _correlation(judged, measures, reading),
            "diagnostics": measures.diagnostics,
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


def _correlation(judged: Sequence[Judged], measures: Measures, reading: Reading) -> Correlation | None:
    if measures.quality is None:
        return None
    images = [item.sample.image_id for item in judged]
    rewards = [item.score.value for item in judged]
    return correlate(images, rewards, measures.quality, reading.resamples, reading.seed)
