"""From a task, its data and who answers to a finished run folder: the one path of `run`, `score` and `report`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from vrft_eval.asking import Asking
from vrft_eval.backends.protocol import Answer, Prompt, Sampling, still_to_ask
from vrft_eval.data_paths import data_settings
from vrft_eval.errors import InputError
from vrft_eval.evaluated import Evaluated as Evaluated
from vrft_eval.evaluated import evaluate
from vrft_eval.files import compact_json, write_atomic
from vrft_eval.gate.choose import GateChoice
from vrft_eval.gate.stage import GateStage
from vrft_eval.provenance import git_revision, now, package_versions, python_version
from vrft_eval.quiet import no_garbage_collection
from vrft_eval.report import write_reports
from vrft_eval.running import Running
from vrft_eval.runs import RunFolder, journal_bytes
from vrft_eval.samples import Sample, fingerprint
from vrft_eval.schemas import RunInfo, Scoring, Session, Settings, Source
from vrft_eval.tally import Progress, Stages
from vrft_eval.tasks import Reading, TaskData
from vrft_eval.tasks.base import template_of
from vrft_eval.tasks.detection import DetectionData
from vrft_eval.tasks.grounding_measures import sam_options


@dataclass(eq=False)
class Evaluation:
    """One task on one data set, planned; nothing is written until `start`.

    samples are empty while a model has still to say which categories pass the gate. With retry_failed prompts that
    failed are asked again. With embed every image goes into report.html.
    """

    data: TaskData
    samples: tuple[Sample, ...]
    folder: RunFolder
    settings: Settings
    reading: Reading
    source: Source
    gate: GateStage | None = None
    sampling: Sampling = field(default_factory=Sampling)
    new: bool = False
    retry_failed: bool = False
    embed: bool = False
    info: RunInfo | None = None
    earlier: list[Session] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)

    def start(self) -> None:
        """Create or continue the run folder, whose answers count. Raises InputError when it holds another run."""
        self.info = self.folder.begin(self._info(), new=self.new)
        self.new, self.earlier = False, self.info.sessions
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

    def record(self, session: Session) -> None:
        """Put this session's numbers into run.json, in place of what it said of itself before."""
        if self.info is not None:
            self.info = self.info.model_copy(update={"sessions": [*self.earlier, session]})
            self.folder.write_info(self.info)

    def pending(self) -> list[Prompt]:
        """What is still to be asked."""
        return [
            Prompt(sample.id, sample.image, sample.prompt)
            for sample in self.samples
            if still_to_ask(self.answers.get(sample.id), self.retry_failed)
        ]

    def unfinished(self) -> bool:
        """Whether there is anything to ask, of the gate or of the samples."""
        return (self.gate is not None and self.gate.unfinished(self.retry_failed)) or bool(self.pending())

    def kept(self) -> str:
        """What is said of the answers when a run is stopped."""
        gate = {} if self.gate is None or self.gate.model is None else self.gate.model.answers
        answers = [*gate.values(), *self.answers.values()]
        failed = sum(answer.completion is None for answer in answers)
        again = f"; --retry-failed asks the {failed:,} failed ones again" if failed else ""
        return f"{len(answers) - failed:,} answered are kept, the same command continues{again}"

    def ask(self, asking: Asking, stages: Stages | None = None) -> None:
        """Ask what is pending, the gate's questions first; every answer is in a journal before the next is waited for.

        Raises RunStopped as `Asking.ask` does.
        """
        gate = self.gate
        with_model = gate is not None and gate.model is not None
        if gate is not None and with_model:
            with _stage(stages, "gate") as progress:
                # The gate's answers have a form of their own.
                sampling = replace(self.sampling, constraint=None)
                gate.ask(asking, sampling, progress, retry_failed=self.retry_failed)
            self.samples = gate.samples(self.settings.prompt)
        self._save_gate()
        prompts, total = self.pending(), len(self.samples)
        asked = {prompt.id for prompt in prompts}
        there = [answer for answer in self.answers.values() if answer.id not in asked]
        measure = Running(self.data, self.samples, there, self.reading).after
        with _stage(stages, "boxes" if with_model else "") as progress:
            journal = self.folder.journal_file
            asking.ask(prompts, self.sampling, journal, self.answers, total=total, progress=progress, measure=measure)

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

    @no_garbage_collection()
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
        write_atomic(self.folder.path / "predictions.json", compact_json(evaluated.measures.predictions))
        write_reports(
            self.folder.path,
            evaluated.report,
            evaluated.judged,
            evaluated.measures,
            self.info or evaluated.info,
            embed=self.embed,
        )


def plan(
    data: TaskData,
    out: Path | RunFolder,
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
    sampling: Sampling | None = None,
    reading: Reading | None = None,
    new: bool = False,
    retry_failed: bool = False,
    embed: bool = False,
) -> Evaluation:
    """Plan an evaluation of loaded data. Raises InputError; writes nothing."""
    folder = out if isinstance(out, RunFolder) else RunFolder(out)
    reading = replace(reading or Reading(), seed=seed, masks_file=folder.masks_file)
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
    evaluation = Evaluation(
        data, samples, folder, settings, reading, source, stage, sampling or Sampling(), new, retry_failed, embed
    )
    if not new:
        evaluation.reload()
    return evaluation


def _sam_fingerprint(reading: Reading) -> str | None:
    options = sam_options(reading)
    return None if options is None else options.fingerprint


def _stage(stages: Stages | None, name: str) -> AbstractContextManager[Progress | None]:
    return nullcontext() if stages is None else stages(name)
