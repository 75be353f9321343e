"""Making a training set of a task's data: load, choose, check, write."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from trainers.data.choose import choose, samples_of
from trainers.data.forms import FORMS
from trainers.data.pictures import check_pictures, count_rotated, digest_of
from trainers.data.rows import SPACES, Row, RowSpace, check_solutions, row_of
from trainers.data.subset import SUBSET_FILE, Draw, Generated, Subset, read_subset
from vrft_eval.data_paths import DataPaths
from vrft_eval.datasets import LoadOptions
from vrft_eval.demo.data import write_dataset
from vrft_eval.errors import InputError, nearest
from vrft_eval.files import cannot_write, dump_json
from vrft_eval.findings import Findings
from vrft_eval.samples import Sample, fingerprint
from vrft_eval.tasks import TaskData, TaskSpec, load_task
from vrft_eval.tasks.base import template_of

LABELS_FILE = "labels.txt"
_GENERATED = 64
# So many images a shot that no category of the generated data is likely to fall short.
_PER_SHOT = 200


@dataclass(frozen=True)
class Made:
    """What was written: how many rows, of how many images and categories, and what has to be said of it."""

    folder: Path
    rows: int
    absent: int
    images: int
    categories: int
    notes: tuple[str, ...]


def make(
    spec: TaskSpec,
    paths: DataPaths,
    out: Path,
    draw: Draw | None = None,
    *,
    subset: Path | None = None,
    form: str = "datasets",
    space: str = "norm1000",
    prompt: Path | None = None,
) -> Made:
    """Make a training set of a task's data in the folder `out`, which is there whole or not at all.

    Without a split of its own the task's first one for training is taken. subset is the file of an earlier set, whose
    questions are taken again instead of drawn. Raises InputError.
    """
    listed = None if subset is None else read_subset(subset)
    draw = draw or Draw()
    if listed is not None and (draw != Draw() or paths.split or paths.categories or paths.labels):
        raise InputError("says already what is drawn, of which split, categories and labels", field="--subset")
    if listed is not None and listed.task != spec.name:
        raise InputError(f"is of another task than {spec.name}", file=subset, field="task", value=listed.task)
    if listed is not None:
        draw = Draw(listed.seed, listed.shots, listed.count, listed.negatives)
    if draw.negatives and spec.kind != "detection":
        raise InputError(f"only detection asks about absent categories, {spec.name} doesn't", field="--negatives")
    if draw.shots is not None and spec.kind == "grounding":
        raise InputError(f"{spec.name} has no categories; give --count", field="--shots", value=draw.shots)
    checked = checked_space(space)
    counts: Counter[str] = Counter()
    findings = Findings()
    with written_whole(out, form) as (folder, work):
        options, generated = _source(spec, paths, draw, listed, work)
        data = load_task(spec, options, findings)
        template = template_of(spec, prompt)
        notes = []
        if listed is None:
            chosen = choose(data, template, draw, counts)
            ids, absent, notes = chosen.ids, chosen.absent, chosen.notes
        else:
            ids, absent = listed.ids, listed.absent
        every = [key for group in (ids, absent) for keys in group.values() for key in keys]
        samples = sized(data, samples_of(data, template, every, subset))
        labels = labels_of(data)
        record = Subset(
            task=spec.name,
            split=options.split,
            seed=draw.seed,
            shots=draw.shots,
            count=draw.count,
            negatives=draw.negatives,
            categories=None if options.categories is None else list(options.categories),
            labels=None if options.labels is None else list(options.labels),
            generated=generated,
            ids=ids,
            absent=absent,
            fingerprint=fingerprint(samples, labels),
            images_sha256=digest_of(sample.image for sample in samples),
        )
        if listed is not None:
            notes = _same(record, listed, subset)
        rows = [row_of(sample, checked, counts) for sample in samples]
        write_rows(spec.name, rows, labels, folder, work, form, counts)
        (folder / SUBSET_FILE).write_text(dump_json(record.model_dump(mode="json")), encoding="utf-8")
    left_out = data.data_counts().get("images_left_out", 0)
    return summary(out, rows, sum(map(len, absent.values())), [*data.findings.notes(), *notes], counts, left_out)


def checked_space(space: str) -> RowSpace:
    """A space of boxes in training sets. Raises InputError for another."""
    for known in SPACES:
        if space == known:
            return known
    raise InputError(f"must be {' or '.join(SPACES)}", field="--space", value=space)


@contextmanager
def written_whole(out: Path, form: str) -> Iterator[tuple[Path, Path]]:
    """Yield an empty folder that becomes `out` at the end, and one for what is temporary; nothing is left of a failure.

    Raises InputError for an unknown form, and for a folder that is there already.
    """
    if form not in FORMS:
        raise InputError(f"no such form; {nearest(form, tuple(FORMS))}", field="form", value=form)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError("is there already; name another folder or delete it", field="--out", value=str(out))
    with cannot_write(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        home = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            folder, work = home / "set", home / "work"
            folder.mkdir()
            work.mkdir()
            yield folder, work
            if out.exists():
                out.rmdir()
            folder.rename(out)
        finally:
            shutil.rmtree(home, ignore_errors=True)


def _source(
    spec: TaskSpec, paths: DataPaths, draw: Draw, listed: Subset | None, work: Path
) -> tuple[LoadOptions, Generated | None]:
    """Which data are read; those of the shapes tasks are made first, unless there are some."""
    options = paths.options(spec, work)
    if listed is not None:
        named = None if listed.categories is None else tuple(listed.categories)
        labels = None if listed.labels is None else tuple(listed.labels)
        options = replace(options, split=listed.split, categories=named, labels=labels)
    elif options.split is None and spec.splits:
        options = replace(options, split=training_split(spec))
    if not spec.generated or paths.data is not None or paths.annotations is not None:
        return options, None
    if listed is not None and listed.generated is not None:
        generated = listed.generated
    else:
        images = draw.count or (draw.shots or 0) * _PER_SHOT or _GENERATED
        generated = Generated(images=images, seed=draw.seed)
    write_dataset(spec.name, work / "generated", generated.images, generated.seed, "train")
    return replace(options, data=work / "generated"), generated


def training_split(spec: TaskSpec) -> str:
    """The task's split for training: `train`, else the first one of such a name.

    >>> from vrft_eval.tasks import get_task
    >>> [training_split(get_task(name)) for name in ("coco", "pets37", "reasonseg")]
    ['train2017', 'train', 'train']
    """
    if "train" in spec.splits:
        return "train"
    return next(split for split in spec.splits if split.startswith("train"))


def sized(data: TaskData, samples: Sequence[Sample]) -> list[Sample]:
    """Decode the images of the samples, written out first where they lie in a file of many; sizes are filled in.

    Raises InputError for images that can't be used.
    """
    sizes = {sample.image: sample.image_size for sample in samples}
    if data.origin.embedded is not None:
        data.origin.embedded.unpack(sizes)
    seen = check_pictures(sizes)
    return [msgspec.structs.replace(sample, image_size=seen[sample.image]) for sample in samples]


def labels_of(data: TaskData) -> list[str] | None:
    """The closed set of classes, None for other tasks than classification."""
    labels: Sequence[str] | None = getattr(data, "labels", None)
    return None if labels is None else list(labels)


def write_rows(
    name: str,
    rows: Sequence[Row],
    labels: Sequence[str] | None,
    folder: Path,
    work: Path,
    form: str,
    counts: Counter[str],
) -> None:
    """Check that every row can be answered, and write all of them, and the classes, into an empty folder."""
    for label in labels or ():
        if len(label.splitlines()) != 1:
            raise InputError("a class name is one line", field="label", value=label)
    check_solutions(rows, labels)
    count_rotated({row.image for row in rows}, counts)
    FORMS[form].write(name, rows, folder, work)
    if labels is not None:
        (folder / LABELS_FILE).write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")


def _same(made: Subset, listed: Subset, file: Path | None) -> list[str]:
    if made.fingerprint != listed.fingerprint:
        message = "the truths of these questions are other ones than when they were drawn: these are other data"
        raise InputError(message, file=file, field="fingerprint", value=made.fingerprint)
    if made.images_sha256 != listed.images_sha256:
        return ["The image files are not those that the questions were drawn from; ids, sizes and truths are the same."]
    return []


def summary(
    out: Path, rows: Sequence[Row], absent: int, notes: Sequence[str], counts: Counter[str], left_out: int = 0
) -> Made:
    """Put together what is told of a set that was written."""
    counted = [f"{count:,} {text}." for text, count in counts.items() if count]
    if left_out:
        counted.append(f"{left_out:,} images were left out, since they are not there.")
    return Made(
        out,
        len(rows),
        absent,
        len({row.image for row in rows}),
        len({row.label or row.category for row in rows if row.task != "grounding"}),
        (*notes, *counted),
    )
