"""From a task, its data and who answers to a finished run folder: the one path of `run`, `score` and `report`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from vrft_eval.asking import Progress, Stages, ask
from vrft_eval.backends.protocol import Answer, Backend, Prompt
from vrft_eval.baselines.paper import beside_paper
from vrft_eval.data_paths import data_settings
from vrft_eval.errors import InputError
from vrft_eval.files import dump_json, write_atomic
from vrft_eval.gate.choose import GateChoice
from vrft_eval.gate.stage import GateStage
from vrft_eval.gate.summary import gate_notes
from vrft_eval.metrics.bootstrap import bootstrap
from vrft_eval.metrics.correlation import correlate
from vrft_eval.provenance import git_revision, now, package_versions, python_version
from vrft_eval.quiet import no_garbage_collection
from vrft_eval.report import write_reports
from vrft_eval.runs import RunFolder, journal_bytes
from vrft_eval.samples import Sample, fingerprint
from vrft_eval.schemas import Correlation, Interval, Report, RunInfo, Scoring, Settings, Source
from vrft_eval.tasks import Judged, Measures, Reading, TaskData
from vrft_eval.tasks.base import template_of
from vrft_eval.tasks.detection import DetectionData
from vrft_eval.tasks.grounding_measures import sam_options
from vrft_rewards import PROFILES


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A finished evaluation: the report and everything it was made from."""

    report: Report
    judged: Sequence[Judged]
    measures: Measures
    info: RunInfo


@dataclass(eq=False)
class Evaluation:
    """One task on one data set, planned; nothing is written until `start`.

    samples are empty while a model has still to say which categories pass the gate.
    """

    data: TaskData
    samples: tuple[Sample, ...]
    folder: RunFolder
    settings: Settings
    reading: Reading
    source: Source
    gate: GateStage | None = None
    new: bool = False
    info: RunInfo | None = None
    answers: dict[str, Answer] = field(default_factory=dict)

    def start(self) -> None:
        """Create or continue the run folder, whose answers count. Raises InputError when it holds another run."""
        self.info = self.folder.begin(self._info(), new=self.new)
        self.new = False
        # Another process may have answered more since the plan was made.
        self.reload()

    def reload(self) -> None:
        """Read the answers that are in the run folder."""
        self.answers = self.folder.answers()
        if self.gate is not None and self.gate.model is not None:
            self.gate.reload()
            self.samples = self.gate.samples(self.settings.prompt)

    def _info(self) -> RunInfo:
        return RunInfo(
            created=now(),
            settings=self.settings,
            scoring=Scoring(
                space=self.reading.space,
                profile=self.reading.profile,
                sam=None if self.reading.sam is None else str(self.reading.sam),
                sam_dtype=self.reading.sam_dtype,
                sam_choice=self.reading.sam_choice,
                sam_fingerprint=_sam_fingerprint(self.reading),
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

    def unfinished(self) -> bool:
        """Whether there is anything to ask, of the gate or of the samples."""
        return (self.gate is not None and self.gate.unfinished()) or bool(self.pending())

    def ask(self, backend: Backend, stages: Stages | None = None) -> None:
        """Ask what is pending, the gate's questions first; every answer is in a journal before the next is waited for.

        Raises InputError when not one prompt of a stage could be answered, with the first reason.
        """
        gate = self.gate
        with_model = gate is not None and gate.model is not None
        if gate is not None and with_model:
            with _stage(stages, "gate") as progress:
                gate.ask(backend, progress)
            self.samples = gate.samples(self.settings.prompt)
        self._save_gate()
        total, journal = len(self.samples), self.folder.journal_file
        with _stage(stages, "boxes" if with_model else "") as progress:
            ask(backend, self.pending(), journal, self.answers, total=total, progress=progress)

    def _save_gate(self) -> None:
        if self.gate is not None and self.info is not None:
            self.gate.save(self.info)

    @no_garbage_collection()
    def finish(self) -> Evaluated:
        """Judge, measure and write predictions and reports. Raises ValueError before `start`."""
        if self.info is None:
            raise ValueError("the run has not been started")
        evaluated = evaluate(self.data, self.samples, self.answers, self.reading, self.info, self.gate)
        self._write(evaluated)
        return evaluated

    def settle(self, answers: dict[str, Answer] | None = None) -> Evaluated:
        """Make a whole run of recorded answers, or of those that are there; nothing is written if anything fails."""
        if self.gate is not None:
            self.gate.check_decided()
        info = self.folder.continued(self._info(), new=self.new)
        settled = self.answers if answers is None else answers
        with nullcontext() if self.reading.sam is None else self.folder.held():
            # SAM is slow, so its masks are kept at once: that needs the folder, and no one else in it.
            if self.new and self.reading.sam is not None:
                self.folder.masks_file.unlink(missing_ok=True)
            evaluated = evaluate(self.data, self.samples, settled, self.reading, info, self.gate)
        with self.folder.held():
            self.info = self.folder.begin(info, new=self.new)
            if answers is not None:
                write_atomic(self.folder.journal_file, journal_bytes(answers.values()))
            self._write(evaluated)
        return evaluated

    def _write(self, evaluated: Evaluated) -> None:
        self._save_gate()
        for name, content in evaluated.measures.files.items():
            write_atomic(self.folder.path / name, content)
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
    gate: GateChoice | None = None,
    template: str | None = None,
    seed: int = 0,
    limit: int | None = None,
    generation: dict[str, int | float | str | bool | None] | None = None,
    reading: Reading | None = None,
    new: bool = False,
) -> Evaluation:
    """Plan an evaluation of loaded data. Raises InputError; writes nothing."""
    folder = RunFolder(out)
    reading = replace(reading or Reading(), seed=seed, masks_file=folder.masks_file)
    if reading.profile not in PROFILES:
        raise InputError(f"must be one of {', '.join(PROFILES)}", field="profile", value=reading.profile)
    data.check_reading(reading)
    template = template_of(data.spec) if template is None else template
    stage: GateStage | None = None
    if isinstance(data, DetectionData):
        stage = GateStage(data, gate or GateChoice(data.spec.gate or "truth"), folder, recorded)
    elif gate is not None:
        raise InputError(f"only detection tasks have a gate, {data.spec.name} has none", field="gate", value=gate.name)
    samples = data.samples(template, None) if stage is None else stage.samples(template)
    settings = Settings(
        task=data.spec.name,
        backend=backend,
        model=model,
        responses=responses,
        data=fingerprint(samples) if stage is None else stage.data_fingerprint(template, samples),
        prompt=template,
        **({"gate": None} if stage is None else stage.settings()),
        seed=seed,
        limit=limit,
        generation=generation or {},
        **data_settings(data),
    )
    folder.check(settings, new=new)
    evaluation = Evaluation(data, samples, folder, settings, reading, source, stage, new)
    if not new:
        evaluation.reload()
    return evaluation


def _sam_fingerprint(reading: Reading) -> str | None:
    options = sam_options(reading)
    return None if options is None else options.fingerprint


def _stage(stages: Stages | None, name: str) -> AbstractContextManager[Progress | None]:
    return nullcontext() if stages is None else stages(name)


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
    measures = replace(
        measures, counts=counts, notes=[*gated, *_notes(data, counts, info), *data.data_notes(), *measures.notes]
    )
    report = _report(data, judged, measures, reading, info)
    report = report.model_copy(update={"gate_summary": summary})
    if reading.against is not None:
        own_prompt = info.settings.prompt != template_of(data.spec)
        split = data.options.split or next(iter(data.spec.splits), None)
        published = None if split is None else data.spec.published.get(split)
        found = beside_paper(report, split=split, published=published, own_prompt=own_prompt)
        report = report.model_copy(update={"against": found})
    return Evaluated(report, judged, measures, info)


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
    if counts["unanswered"]:
        notes.append(f"{counts['unanswered']} samples have no answer; they are scored as empty ones.")
    if counts["failed"]:
        notes.append(f"{counts['failed']} samples failed (the reason is in responses.jsonl); scored as empty answers.")
    if counts["cut_off"]:
        notes.append(f"{counts['cut_off']} answers were cut off at the token limit.")
    if info.settings.limit is not None and not data.spec.generated:
        notes.append(f"{info.settings.limit} images were drawn with seed {info.settings.seed}.")
    return notes


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


def _correlation(judged: Sequence[Judged], measures: Measures, reading: Reading) -> Correlation | None:
    if measures.quality is None:
        return None
    images = [item.sample.image_id for item in judged]
    rewards = [item.score.value for item in judged]
    return correlate(images, rewards, measures.quality, reading.resamples, reading.seed)
