"""A model card's `model-index`: what the Hugging Face Hub reads of a model's results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vrft_eval.errors import InputError
from vrft_eval.export.results import check_metrics
from vrft_eval.export.runs import ExportedRun, Options, Output
from vrft_eval.files import read_bytes
from vrft_eval.samples import Kind
from vrft_eval.tasks import TASKS

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCard

_TASKS: dict[Kind, str] = {
    "detection": "object-detection",
    "classification": "image-classification",
    "grounding": "image-segmentation",
}
_RULE = "---\n"


def write(runs: Sequence[ExportedRun], options: Options) -> Output:
    """The front matter of a card; where `out` is a card already, that one with these results in place of its own.

    Results of other data sets and metrics stay. Raises InputError for runs of several models, two runs of one data set,
    an unknown metric, and a broken card.
    """
    from huggingface_hub import ModelCardData

    check_metrics(runs, options.metrics)
    _check_one_model(runs)
    _check_one_run_a_data_set(runs)
    name = _name(runs)
    found = [result for run in runs for result in _results(run, options.metrics)]
    if options.metrics is not None and not found:
        raise InputError("leaves a model card without a number", field="--metrics", value=",".join(options.metrics))
    if options.out is not None and options.out.exists():
        return Output(_updated(options.out, found, name))
    data = ModelCardData(model_name=name, eval_results=found)
    return Output(f"{_RULE}{data.to_yaml()}\n{_RULE}")


def _check_one_model(runs: Sequence[ExportedRun]) -> None:
    names = list(dict.fromkeys(run.model or run.name for run in runs))
    several = len(names) > 1 and all(run.model is not None for run in runs)
    if several or len({run.report.model for run in runs}) > 1:
        raise InputError("a model card is of one model, these runs are of several", field="RUN", value=names)


def _name(runs: Sequence[ExportedRun]) -> str:
    if len(runs) > 1 and runs[0].model is None:
        raise InputError("is missing: recorded answers don't say which model's they are", field="--name")
    return runs[0].model or runs[0].name


def _check_one_run_a_data_set(runs: Sequence[ExportedRun]) -> None:
    # The Hub's format has one place for the settings of a data set: a second run would read as run like the first.
    known: dict[tuple[str, str | None], ExportedRun] = {}
    for run in runs:
        task, split = key = run.report.task, _split(run)
        if key in known:
            of = task if split is None else f"{task}, split {split}"
            raise InputError(f"{known[key].path} and {run.path} are of {of}: a model card holds one run", field="RUN")
        known[key] = run


def _split(run: ExportedRun) -> str | None:
    spec = TASKS.get(run.report.task)
    return run.info.settings.split or next(iter(() if spec is None else spec.splits), None)


def _results(run: ExportedRun, wanted: tuple[str, ...] | None) -> Iterator[EvalResult]:
    from huggingface_hub import EvalResult

    report, settings = run.report, run.info.settings
    arguments = {
        "gate": report.gate,
        "images": settings.limit,
        "samples": report.counts.get("samples"),
        "categories": settings.categories,
    }
    for name, value in report.metrics.items():
        if value is None or (
            name not in (report.headline, *report.intervals) if wanted is None else name not in wanted
        ):
            continue
        interval = report.intervals.get(name)
        yield EvalResult(
            task_type=_TASKS[report.kind],
            dataset_type=report.task,
            dataset_name=report.task,
            dataset_split=_split(run),
            dataset_args={key: value for key, value in arguments.items() if value is not None},
            metric_type=name,
            metric_name=name,
            metric_value=value,
            metric_args=None
            if interval is None
            else {"low": interval.low, "high": interval.high, "level": interval.level, "resamples": interval.resamples},
        )


def _updated(file: Path, found: list[EvalResult], name: str) -> str:
    from huggingface_hub import ModelCardData

    card = _card(file)
    data = card.data
    assert isinstance(data, ModelCardData)
    run_as = {result.unique_identifier: result.dataset_args for result in found}
    replaced = {(result.unique_identifier, result.metric_type) for result in found}

    def stays(old: EvalResult) -> bool:
        key = old.unique_identifier
        return key not in run_as or (old.dataset_args == run_as[key] and (key, old.metric_type) not in replaced)

    kept = [old for old in data.eval_results or [] if stays(old)]
    data.eval_results = kept + found
    data.model_name = data.model_name or name
    return str(card)


def _card(file: Path) -> ModelCard:
    import yaml
    from huggingface_hub import ModelCard

    try:
        return ModelCard(read_bytes(file).decode("utf-8"), ignore_metadata_errors=False)
    except UnicodeDecodeError:
        raise InputError("not UTF-8", file=file) from None
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"not a model card: {' '.join(str(error).split())}", file=file) from None
