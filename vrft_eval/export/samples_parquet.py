"""Samples as Parquet: every text whole, boxes as lists, the reports with their intervals in the file's metadata."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from vrft_eval.export.runs import ExportedRun, Options, Output
from vrft_eval.export.samples import sample_table

REPORTS = b"vrft.reports"
"""The metadata's key: a JSON object of report.json by the run's name."""


def write(runs: Sequence[ExportedRun], options: Options) -> Output:  # noqa: ARG001
    """One row a sample."""
    import pyarrow.parquet

    table = sample_table(runs)
    reports = {run.name: run.report.model_dump(mode="json") for run in runs}
    stream = io.BytesIO()
    pyarrow.parquet.write_table(
        table.replace_schema_metadata({REPORTS: json.dumps(reports, allow_nan=False)}), stream, compression="zstd"
    )
    return Output(stream.getvalue())
