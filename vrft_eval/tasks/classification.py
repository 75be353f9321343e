"""Classification: the name of one of a closed set of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from vrft_eval.backends.protocol import Answer
from vrft_eval.datasets import LoadOptions, load_classification
from vrft_eval.errors import InputError
from vrft_eval.findings import Findings
from vrft_eval.images import check_images
from vrft_eval.metrics import Verdict, accuracies, confusion, per_class, released_errors
from vrft_eval.metrics.bootstrap import Terms
from vrft_eval.metrics.by_category import mean_by_class
from vrft_eval.metrics.correlation import Quality
from vrft_eval.metrics.visual_rft import released_accepts
from vrft_eval.samples import Sample
from vrft_eval.schemas import Gate
from vrft_eval.tasks.base import (
    Measures,
    Reading,
    TaskData,
    TaskSpec,
    draw,
    term_records,
)
from vrft_eval.tasks.judged import Judged, Outcome, Verdicts, completion_of, outcome_of
from vrft_eval.tasks.prompts import fill, load
from vrft_rewards import ClassificationReward, LabelMatcher, parse_label, parse_response

# The same words are asked for; a label found by mention or likeness counts as fuzzy only.
_STRICT = ("exact", "alias")


class ClassificationData(TaskData):
    """Labelled images of one task. Raises InputError for data that doesn't fit."""

    headline = "accuracy"

    def __init__(self, spec: TaskSpec, options: LoadOptions, findings: Findings | None = None) -> None:
        findings = self._begin(spec, options, findings)
        whole = load_classification(spec.loader, options, findings, load(spec.prompt))
        self.origin = whole.origin
        # The closed set is that of the whole data, however few images are drawn.
        self.labels = whole.labels
        try:
            self._matcher = LabelMatcher(self.labels)
        except ValueError as error:
            raise InputError(f"the class names don't work: {error}", file=whole.file) from None
        self._compare_count(len(whole.images) + len(whole.origin.left_out))
        self.file, self.whole = whole.file, whole.images
        self._names = {item.name for item in whole.images}
        self._items = draw(whole.images, options.limit, options.seed)

    def every_image(self) -> set[Path]:
        """The images of the whole data, however few are drawn."""
        return {item.path for item in self.whole}

    def images(self) -> Mapping[Path, tuple[int, int] | None]:
        """Every image; a folder claims no sizes."""
        return {item.path: None for item in self._items}

    def known(self, key: str) -> str | None:
        """Say what is wrong with an id (an image's path relative to the data folder), or None."""
        return None if key in self._names else "unknown image"

    def samples(self, template: str, gate: Gate | None, recorded: Sequence[str] = ()) -> tuple[Sample, ...]:  # noqa: ARG002
        """One sample per image."""
        prompt = fill(template)
        there = {item.path: None for item in self._items if item.path not in self.origin.unusable}
        sizes = self.sizes or check_images(there).sizes
        return tuple(
            Sample(
                id=item.name,
                image=item.path,
                image_size=sizes.get(item.path),
                prompt=prompt,
                kind="classification",
                truth=item.label,
                category=item.label,
                image_id=item.name,
            )
            for item in self._items
        )

    def reward_bounds(self, reading: Reading) -> tuple[float, float]:
        """Lowest and highest reward."""
        return _reward(self.labels, reading.profile).bounds

    def judge(self, sample: Sample, answer: Answer | None, reading: Reading) -> Judged:
        """Read the class that one answer names."""
        text = completion_of(answer)
        response = parse_response(text)
        label = parse_label(response.answer)
        match = self._matcher.match(label.text)
        strict = match.label if match.how in _STRICT else None
        verdict: Outcome = "right" if strict == sample.label else "partly" if match.label == sample.label else "wrong"
        return Judged(
            sample=sample,
            answer=answer,
            response=response,
            status=str(label.status),
            issues=label.issues,
            score=_reward(self.labels, reading.profile).score(text, sample.label),
            outcome=outcome_of(answer, verdict),
            label=match.label,
            label_text=label.text,
        )

    def measure(self, judged: Verdicts, reading: Reading) -> Measures:  # noqa: ARG002
        """Accuracy under three rules, per class, and what was taken for what."""
        verdicts = [_verdict(item) for item in judged]
        paid_wrong, unpaid_right = released_errors(verdicts)
        notes = list(self.notes)
        if paid_wrong or unpaid_right:
            notes.append(
                f"The released rule (accuracy_visual_rft) is wrong on {paid_wrong + unpaid_right} of {len(verdicts)} "
                f"answers: it pays {paid_wrong} that are wrong and leaves {unpaid_right} unpaid that are right."
            )
        found = confusion(verdicts)
        terms = {
            "accuracy": Terms.mean([verdict.strict for verdict in verdicts]),
            "accuracy_fuzzy": Terms.mean([verdict.fuzzy for verdict in verdicts]),
            "accuracy_visual_rft": Terms.mean([verdict.visual_rft for verdict in verdicts]),
        }
        records = term_records(judged, **terms)
        return Measures(
            metrics=accuracies(verdicts),
            per_category=per_class(verdicts),
            predictions=[{"id": item.sample.id, "label": item.label, "answer": item.label_text} for item in judged],
            counts={
                "images": len(judged),
                "categories": len(self.labels),
                "other_class": found.other_class,
                "off_list": found.off_list,
                "without_answer": found.without_answer,
                "visual_rft_paid_wrong": paid_wrong,
                "visual_rft_unpaid_right": unpaid_right,
            },
            notes=notes,
            records=records,
            by_category=mean_by_class(records, [sample.label for sample in judged.samples], terms["accuracy"].top),
            quality=Quality("accuracy", terms["accuracy"].top),
            confusion=found,
        )


def _verdict(item: Judged) -> Verdict:
    return Verdict(
        truth=item.sample.label,
        label=item.label,
        answered=bool(item.label_text),
        strict=item.outcome == "right",
        visual_rft=released_accepts(item.text, item.sample.label),
    )


@lru_cache(maxsize=8)
def _reward(labels: tuple[str, ...], profile: str) -> ClassificationReward:
    return ClassificationReward(labels=labels, profile=profile)
