"""The gate of one run: what it lets through, who is asked about it, and what is kept of that."""

from __future__ import annotations

from collections.abc import Sequence

from vrft_eval.asking import Asking
from vrft_eval.backends.protocol import Sampling
from vrft_eval.errors import InputError
from vrft_eval.files import compact_json, write_atomic
from vrft_eval.gate.choose import GateChoice
from vrft_eval.gate.exist_map import check_exist_map, exist_map_fingerprint
from vrft_eval.gate.model_gate import ModelGate, gate_template
from vrft_eval.gate.models import ExistMap, GateSummary
from vrft_eval.gate.summary import summarise_gate
from vrft_eval.runs import RunFolder
from vrft_eval.samples import Sample, fingerprint
from vrft_eval.schemas import RunInfo
from vrft_eval.tally import Progress
from vrft_eval.tasks.detection import DetectionData

MOST = 5_000_000
"""Questions, or pairs of gate none, that are no mistake: COCO has 400,000, all of LVIS 24 million, months of work."""


class GateStage:
    """A gate with its data and its run folder; `recorded` are the answered ids, for the gate of that name.

    Raises InputError for an exist map that doesn't fit the data, categories that can't be told apart in a list, and
    more questions than anyone means to ask.
    """

    def __init__(
        self, data: DetectionData, choice: GateChoice, folder: RunFolder, recorded: Sequence[str] = ()
    ) -> None:
        self.name = choice.name
        self._data, self._folder, self._recorded, self._map = data, folder, recorded, choice.exist_map
        self.model = ModelGate(data, choice.prompt or gate_template(None)) if choice.name == "model" else None
        self._check_size()
        if self.model is not None:
            self.model.check()
        if choice.exist_map is not None:
            check_exist_map(
                choice.exist_map,
                [image.id for image in data.coco.images],
                data.coco.categories,
                [key for key in data.coco.categories if key in data.selected],
                choice.file or folder.gate_file,
            )

    def _check_size(self) -> None:
        images, categories = len(self._data.coco.images), len(self._data.selected)
        count = images * categories if self.name == "none" else 0 if self.model is None else len(self.model)
        if count > MOST:
            cheaper = "--gate negatives" if self.model is None else "once an image (--gate-prompt gate-list)"
            raise InputError(
                f"would ask {count:,} questions, {categories:,} of each of {images:,} images; ask {cheaper}, or about "
                "fewer images or categories",
                field="--gate",
                value=self.name,
            )

    def settings(self) -> dict[str, str | None]:
        """What of the gate the answers depend on, as fields of `Settings`."""
        given = self._map if self.model is None else None
        return {
            "gate": self.name,
            "gate_prompt": None if self.model is None else self.model.template,
            "gate_map": None if given is None else exist_map_fingerprint(given.images),
        }

    def reload(self) -> None:
        """Read the answers that the run's journal holds."""
        if self.model is not None:
            self.model.answers = self._folder.gate_answers()

    def unfinished(self, retry_failed: bool = False) -> bool:
        """Whether there are questions still to be asked."""
        return self.model is not None and next(self.model.left(retry_failed), None) is not None

    def ask(
        self, asking: Asking, sampling: Sampling, progress: Progress | None = None, *, retry_failed: bool = False
    ) -> None:
        """Ask what is pending, into the gate's journal. Raises RunStopped as `Asking.ask` does."""
        if self.model is None:
            return
        prompts = list(self.model.left(retry_failed))
        journal = self._folder.gate_journal_file
        asking.ask(prompts, sampling, journal, self.model.answers, total=len(self.model), progress=progress)

    def check_decided(self) -> None:
        """Raise InputError while questions were never asked: what the gate lets through isn't known yet."""
        left = 0 if self.model is None else self.model.unasked()
        if left and self.model is not None:
            raise InputError(
                f"{left} of the gate's {len(self.model)} questions were not asked yet; the command that made the run "
                "continues it",
                file=self._folder.path,
            )

    def samples(self, template: str) -> tuple[Sample, ...]:
        """The samples that pass; none while a model has questions that were never asked.

        Raises InputError when a gate that needs no model lets nothing through.
        """
        if self.model is not None:
            if self.model.unasked():
                return ()
            self._map = self.model.exist_map()
        passed = self._recorded if self._map is None else self._pairs(self._map)
        samples = self._data.samples(template, self.name, passed)
        if not samples and self.model is None:
            raise InputError(f"there is nothing to ask: no (image, category) pair passes the gate {self.name!r}")
        return samples

    def _pairs(self, exist_map: ExistMap) -> list[str]:
        keys = {name: key for key, name in self._data.coco.categories.items() if key in self._data.selected}
        images = (image.id for image in self._data.coco.images)
        return [f"{image}:{keys[name]}" for image in images for name in exist_map.images[str(image)] if name in keys]

    def data_fingerprint(self, template: str, samples: Sequence[Sample]) -> str:
        """Fingerprint of the data: of the samples, or of the whole where what is asked depends on an exist map."""
        if self.name not in ("model", "file"):
            return fingerprint(samples)
        asked = [[image.id for image in self._data.coco.images], sorted(self._data.selected)]
        return fingerprint(self._data.samples(template, "truth"), asked)

    def save(self, info: RunInfo) -> None:
        """Write the exist map, where there is one, to gate.json: it can be the gate of another run."""
        if self._map is None:
            return
        found = self._map
        if self.model is not None:
            found = found.model_copy(update={"model": info.source.model, "created": info.created})
        write_atomic(self._folder.gate_file, compact_json(found.model_dump(mode="json")))

    def summary(self, samples: Sequence[Sample]) -> GateSummary:
        """What the gate did."""
        asked = (pair for sample in samples if (pair := _pair(sample)) is not None)
        return summarise_gate(self._data, asked, self._map)


def _pair(sample: Sample) -> tuple[int, int] | None:
    if isinstance(sample.image_id, int) and sample.category_id is not None:
        return sample.image_id, sample.category_id
    return None
