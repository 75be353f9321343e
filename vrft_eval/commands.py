"""What the commands do, without the command line: run, score, and a run planned again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from vrft_eval.asking import Asking
from vrft_eval.backends.protocol import Answer, Backend
from vrft_eval.backends.replay import load_recorded
from vrft_eval.data_paths import DataPaths as DataPaths
from vrft_eval.data_paths import make_source, options_of_run
from vrft_eval.errors import InputError, RunStopped
from vrft_eval.evaluation import Evaluated, Evaluation, plan
from vrft_eval.gate.choose import GateChoice, choose_gate, gate_of_run
from vrft_eval.generation import Generation as Generation
from vrft_eval.generation import Server as Server
from vrft_eval.generation import SharedBackend as SharedBackend
from vrft_eval.interrupts import interruptible, stopped_by
from vrft_eval.provenance import find_model, model_fingerprint
from vrft_eval.quiet import no_garbage_collection
from vrft_eval.read_options import RESAMPLES as RESAMPLES
from vrft_eval.read_options import make_reading as make_reading
from vrft_eval.runs import RunFolder
from vrft_eval.tally import Stages
from vrft_eval.tasks import Reading, TaskSpec, get_task, load_task
from vrft_eval.tasks.base import template_of

GENERATED_IMAGES = 100
MANY_IMAGES = 500


def plan_run(
    spec: TaskSpec,
    model: str,
    out: Path,
    *,
    paths: DataPaths,
    generation: Generation,
    reading: Reading,
    limit: int | None = None,
    seed: int = 0,
    gate: str | None = None,
    gate_prompt: str | None = None,
    prompt: Path | None = None,
    new: bool = False,
    embed: bool = False,
    retry_failed: bool = False,
    generate_into: Path | None = None,
    stages: Stages | None = None,
) -> Evaluation:
    """Check everything that one task's run needs; write nothing but data that is generated or unpacked.

    Raises InputError.
    """
    generation.check()
    if gate == "recorded":
        raise InputError("is for recorded answers only", field="--gate", value=gate)
    choice = choose_gate(gate, gate_prompt)
    found = find_model(model) if generation.local else model
    template = template_of(spec, prompt)
    RunFolder(out).check(new=new)
    generated = spec.generated and paths.data is None and paths.annotations is None
    if generated:
        from vrft_eval.demo.data import write_dataset

        limit = GENERATED_IMAGES if limit is None else limit
        folder = generate_into or out / "data" / f"{limit}-seed{seed}"
        write_dataset(spec.name, folder, limit, seed)
        paths = DataPaths(folder)
    options = paths.options(spec, out, limit=limit, seed=seed, missing="error")
    data = load_task(spec, options)
    slow = len(data.images()) >= MANY_IMAGES
    with stages("images") if stages is not None and slow else nullcontext() as progress:
        data.check_images(progress)
    named = model if model.startswith("demo") else found
    return plan(
        data,
        out,
        make_source(
            named,
            options,
            out,
            generated=generated,
            gate=_file_of(choice),
            base_url=generation.server.base_url,
        ),
        backend=generation.resolved(),
        model=model_fingerprint(found) if generation.local else model,
        gate=choice,
        template=template,
        seed=seed,
        limit=limit,
        generation=generation.settings(spec),
        sampling=generation.sampling(spec, seed),
        reading=reading,
        new=new,
        embed=embed,
        retry_failed=retry_failed,
    )


def carry_out(
    evaluation: Evaluation,
    backend: Callable[[], Backend],
    stages: Stages | None = None,
    *,
    max_failures: int | None = None,
) -> Evaluated:
    """Ask what is pending (the backend is called for only when something is), judge, measure, report.

    Raises InputError, when another process has the run folder too, and RunStopped with what is kept when the run is
    interrupted, or stopped because it goes wrong.
    """
    to_ask = evaluation.unfinished()
    if to_ask:
        backend()  # a model that can't be loaded is told before anything is written
    with evaluation.folder.held(), interruptible():
        evaluation.start()
        try:
            evaluation.ask(Asking(backend, evaluation.record, max_failures), stages if to_ask else None)
            return evaluation.finish()
        except RunStopped as stopped:
            raise RunStopped(f"{stopped}; {evaluation.kept()}", stopped.code) from stopped
        except KeyboardInterrupt as interrupt:
            raise stopped_by(interrupt, evaluation.kept()) from None


@no_garbage_collection()
def score(
    task: str,
    responses: Path,
    out: Path,
    *,
    paths: DataPaths,
    space: str = "norm1000",
    profile: str = "default",
    sam: str = "none",
    sam_dtype: str = "float32",
    sam_mask: str = "single",
    device: str = "auto",
    against: str | None = None,
    engine: str = "hotcoco",
    resamples: int = RESAMPLES,
    gate: str | None = None,
    prompt: Path | None = None,
    new: bool = False,
    embed: bool = False,
) -> Evaluated:
    """Score recorded answers. Raises InputError before anything is written."""
    spec = get_task(task)
    if gate == "model":
        raise InputError("asks a model, and here is none; name the exist map's file", field="--gate", value=gate)
    choice = choose_gate(gate)
    reading = make_reading(
        spec,
        space,
        profile,
        sam,
        device,
        engine,
        resamples,
        sam_dtype=sam_dtype,
        sam_mask=sam_mask,
        against=against,
    )
    RunFolder(out).check(new=new)
    options = paths.options(spec, out)
    data = load_task(spec, options)
    recorded, digest = load_recorded(responses, data.known)
    if reading.sam is not None:
        data.check_images()
    evaluation = plan(
        data,
        out,
        make_source(None, options, out, gate=_file_of(choice)),
        backend="replay",
        responses=digest,
        recorded=list(recorded),
        gate=choice or (GateChoice("recorded") if spec.kind == "detection" else None),
        template=template_of(spec, prompt),
        reading=reading,
        new=new,
        embed=embed,
    )
    asked = {sample.id for sample in evaluation.samples}
    left_out = sum(key not in asked for key in recorded)
    if left_out:
        data.notes.append(f"{left_out} recorded answers are to pairs that the gate leaves out; they don't count.")
    return evaluation.settle({key: Answer(key, text) for key, text in recorded.items() if key in asked})


@no_garbage_collection()
def planned_again(
    run: Path,
    *,
    paths: DataPaths | None = None,
    space: str | None = None,
    profile: str | None = None,
    sam: str | None = None,
    sam_dtype: str | None = None,
    sam_mask: str | None = None,
    device: str = "auto",
    against: str | None = None,
    engine: str | None = None,
    resamples: int | None = None,
    watching: bool = False,
) -> Evaluation:
    """A run that is there, with its data and its answers, perhaps to be read in another way.

    With watching another process may be at work in it. Raises InputError.
    """
    folder = RunFolder(run, watching=watching)
    info = folder.read_info()
    settings, source = info.settings, info.source
    spec = get_task(settings.task)
    then = info.scoring
    same_sam = sam is None and sam_dtype is None and sam_mask is None
    sam = sam or then.sam or "none"
    reading = make_reading(
        spec,
        space or then.space,
        profile or then.profile,
        sam,
        device,
        engine or then.engine,
        then.resamples if resamples is None else resamples,
        sam_dtype=sam_dtype or then.sam_dtype,
        sam_mask=sam_mask or then.sam_choice,
        sam_fingerprint=then.sam_fingerprint if same_sam and not Path(sam).is_dir() else None,
        against=against,
    )
    options = options_of_run(settings, source, run, paths or DataPaths())
    answers = folder.answers()
    return plan(
        load_task(spec, options),
        folder,
        make_source(
            source.model,
            options,
            run,
            generated=source.generated,
            gate=source.gate,
            base_url=source.base_url,
        ),
        backend=settings.backend,
        model=settings.model,
        responses=settings.responses,
        recorded=list(answers),
        gate=gate_of_run(settings, folder.gate_file),
        template=settings.prompt,
        seed=settings.seed,
        limit=settings.limit,
        generation=settings.generation,
        reading=reading,
    )


def _file_of(choice: GateChoice | None) -> str | None:
    return None if choice is None or choice.file is None else str(choice.file.resolve())


def check_distinct(tasks: Sequence[str]) -> list[TaskSpec]:
    """Look the tasks of one command up. Raises InputError for an unknown one or one named twice."""
    specs = [get_task(name) for name in tasks]
    for position, name in enumerate(tasks):
        if name in tasks[:position]:
            raise InputError("task named twice", value=name)
    return specs
