"""A run that goes on, scored as far as it is answered: what its page shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vrft_eval.backends.protocol import Answer
from vrft_eval.commands import planned_again
from vrft_eval.evaluated import evaluate
from vrft_eval.evaluation import Evaluation
from vrft_eval.quiet import no_garbage_collection
from vrft_eval.report.html import render_report
from vrft_eval.report.pictures import Pictures
from vrft_eval.schemas import RunInfo

_SO_FAR = (
    "The run goes on: everything here is about the {:,} of {:,} samples that are answered so far, and about the truth "
    "that these ask for."
)
_SAM = "Masks for gIoU and cIoU are the filled boxes until the run is finished: its SAM is asked then."


@dataclass(frozen=True, eq=False)
class Watched:
    """A run's data and settings, loaded once."""

    evaluation: Evaluation
    info: RunInfo

    @classmethod
    def load(cls, run: Path, info: RunInfo) -> Watched:
        """Load them. Raises InputError."""
        # SAM is slow, and its masks are kept in the run's folder, which isn't ours.
        return cls(planned_again(run, sam="none", watching=True), info)

    @property
    def total(self) -> int:
        """Samples of the run; 0 while a model has still to say which pass its gate."""
        return len(self.evaluation.samples)

    @property
    def gate_total(self) -> int:
        """Questions of the gate, 0 where no model is asked."""
        gate = self.evaluation.gate
        return 0 if gate is None or gate.model is None else len(gate.model)

    def images(self) -> set[Path]:
        """The images of its samples, where they really lie: none leads out of the data folder, or loading fails."""
        return {path.resolve() for path in self.evaluation.data.images()}

    @no_garbage_collection()
    def render(self) -> tuple[str, int] | None:
        """The report of what is answered so far, and how many samples that is; None before the first.

        Raises InputError for a journal that can't be read.
        """
        evaluation = self.evaluation
        evaluation.reload()
        answers: dict[str, Answer] = evaluation.answers
        samples = [sample for sample in evaluation.samples if sample.id in answers]
        if not samples:
            return None
        data = evaluation.data.only(samples)
        found = evaluate(data, samples, answers, evaluation.reading, self.info)
        notes = [_SO_FAR.format(len(samples), self.total), *found.report.notes]
        if self.info.scoring.sam is not None:
            notes.append(_SAM)
        report = found.report.model_copy(update={"notes": notes})
        # The server has the images at hand: no time goes into thumbnails of them.
        pictures = Pictures(evaluation.folder.path.absolute(), room=0)
        page = render_report(report, found.judged, found.measures, found.info, pictures)
        return page, len(samples)
