"""FGVC-Aircraft as published: `images/1514522.jpg`, `variants.txt`, `images_variant_test.txt`."""

from __future__ import annotations

from pathlib import Path

from vrft_eval.datasets.labelled import Collector, Labelled
from vrft_eval.datasets.lines import read_lines
from vrft_eval.datasets.names import read_names
from vrft_eval.datasets.options import LoadOptions
from vrft_eval.findings import Findings


def load_aircraft(file: Path, folder: Path, prefix: str, options: LoadOptions, findings: Findings) -> Labelled:
    """Read lines of `image id, space, variant`; a variant may hold spaces. The classes are those of `variants.txt`.

    Raises InputError for a variant that isn't among them.
    """
    labels = options.labels or read_names(file.parent / "variants.txt")
    collector = Collector(file, folder, findings, labels, prefix)
    for line, text in read_lines(file):
        image, _, variant = text.partition(" ")
        collector.add(f"{image}.jpg", variant.strip(), line=line)
    return collector.done()
